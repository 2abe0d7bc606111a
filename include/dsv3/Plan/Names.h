//===- Names.h - what compiler and runtime call things ----------*- C++ -*-===//
//
// The compiler writes these names into plans and bundles, the runtime finds things
// by them. Each is spelled here alone, but for the roles, which the dsv3 dialect's
// verifier knows too; tests spell them out, as they are part of the format. Names that one side
// only passes on (of entries, bodies, kernels, parameters) are not here.
//
// Standard library only.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <array>
#include <string_view>

namespace dsv3::plan {

/// Precision policies, and what rows of products and the latent cache may be under f32. The first
/// of each is the default.
inline constexpr std::array<std::string_view, 3> policyNames{"f32", "bf16", "w8a8"};
inline constexpr std::array<std::string_view, 3> activationNames{"f32", "bf16", "int8"};
inline constexpr std::array<std::string_view, 3> cacheTypeNames{"f32", "bf16", "f16"};

/// Products whose bf16 weights CPUs read where the checkpoint has them.
inline constexpr std::string_view inPlaceNone = "none", inPlaceExperts = "experts",
                                  inPlaceAll = "all";
inline constexpr std::array inPlaceNames{inPlaceNone, inPlaceExperts, inPlaceAll};

/// Entry::role. A session wants an entry for steps of the model, and perhaps one
/// for the MTP module.
inline constexpr std::string_view roleStep = "step";
inline constexpr std::string_view roleMtp = "mtp";

/// Size::name: the tokens of a step, and those of its rows that give output.
inline constexpr std::string_view sizeTokens = "T";
inline constexpr std::string_view sizeOutputs = "O";

/// Port::name of inputs: of each token its id, its position in its request, and
/// its request; which rows give output; what each output row's token is chosen by
/// (dsv3/Support/Sampling.h); for the MTP module the normed rows of the main model.
inline constexpr std::string_view portIds = "ids";
inline constexpr std::string_view portPositions = "positions";
inline constexpr std::string_view portRequests = "requests";
inline constexpr std::string_view portRows = "rows";
inline constexpr std::string_view portSampling = "sampling";
inline constexpr std::string_view portHidden = "hidden";

/// Port::name of outputs: of each output row its logits, the final norm that they were
/// computed from, and the token that was chosen (dsv3.sample).
inline constexpr std::string_view portLogits = "logits";
inline constexpr std::string_view portNormed = "normed";
inline constexpr std::string_view portTokens = "tokens";

/// Observation::name: what goes from layer to layer, and what a router chose.
inline constexpr std::string_view observedHidden = "hidden";
inline constexpr std::string_view observedExperts = "router.experts";
inline constexpr std::string_view observedWeights = "router.weights";
/// Before the key of a tensor (plan/Key.h): the rows that it is multiplied with. Of experts either
/// those of all tokens, or those of all choices, sorted by expert; then a token's row has one for
/// each choice.
inline constexpr std::string_view observedInput = "input.";
inline constexpr std::string_view observedEntries = "entries.";

/// Variant::name: the CPUs that kernels are made for.
inline constexpr std::string_view variantV3 = "x86-64-v3";
inline constexpr std::string_view variantV4 = "x86-64-v4";
/// The same with AVX512_VNNI, and with AVX512_BF16.
inline constexpr std::string_view variantV4Vnni = "x86-64-v4-vnni";
inline constexpr std::string_view variantV4Bf16 = "x86-64-v4-bf16";

/// What an object for CPUs is told of the core before a kernel runs, each an i32 that is there
/// where a kernel asks: whether streams of weights are asked for ahead into the first-level cache,
/// instead of into the second-level one or not at all (lib/Target/Cpu/StreamProduct.h), and whether
/// multiplying subnormal numbers costs an assist.
inline constexpr std::string_view asksFirstLevelSymbol = "dsv3_asks_first_level";
inline constexpr std::string_view assistsSubnormalsSymbol = "dsv3_assists_subnormals";

/// Variant::name: the GPUs that kernels are printed for, by NVRTC's names.
inline constexpr std::string_view variantSm80 = "sm_80";
inline constexpr std::string_view variantSm90a = "sm_90a";
inline constexpr std::string_view variantSm100a = "sm_100a";
inline constexpr std::string_view variantSm120a = "sm_120a";

/// Files of a bundle: the plan; the text of the model's config.json; the path of the
/// checkpoint, where there was one; an object (of GPUs: the text of the kernels) and packed
/// weights per variant; a folder of kernels that were compiled for GPUs.
inline constexpr std::string_view planFileName = "plan.dsv3";
inline constexpr std::string_view configFileName = "config.json";
inline constexpr std::string_view checkpointFileName = "checkpoint";
inline constexpr std::string_view objectFileEnding = ".so"; ///< after the variant
inline constexpr std::string_view textFileEnding = ".cu";   ///< after the variant
inline constexpr std::string_view cubinFolderName = "cubins";
inline constexpr std::string_view packedFilePrefix = "packed."; ///< before the variant

} // namespace dsv3::plan
