plan.module identity "9f3c" policy "f32" families "51aa" vocab 320 hidden 8 layers 2 sizes [T] scale_block [128, 128] {
  plan.variant "x86-64-v3" object "v3.so" checksum "77e0"
  plan.cache f32 layers 2 latent 32 rope 8 page 64 context 4096 requests 1
  plan.parameter @gate : f8E4M3FN [3, 128, 8] scales [128, 128] layers [0 to 1] layouts [panels(16)] {
    plan.segment "model.layers.{layer}.mlp.experts.{expert}.gate_proj.weight" scales "model.layers.{layer}.mlp.experts.{expert}.gate_proj.weight_scale_inv" shape [128, 8] rows 128
  }
  plan.kernel @embed family "embed" sizes [T] tiles [ceil(T / 4)] scratch [0]
  plan.kernel @gate.gemm family "gemm" sizes [T] tiles [2 * ceil(T * 3 / 8) + 3] scratch [512]
  plan.entry @decode role "step" tokens 1 to 16 maxima (T = 16) arena 8192
    inputs [ids: i32 [T, 1]] outputs [normed: f32 [T, 8]] observations [hidden: f32 [T, 8]] {
    plan.body moe {
      plan.launch @gate.gemm (formal(0), param(@gate), scales(@gate), cache, page_table, arena(4096))
      plan.observe hidden (formal(0))
    }
    plan.launch @embed (input(ids), arena(0))
    plan.call moe layer 0 (arena(0))
    plan.call moe layer 1 (arena(0))
    plan.launch @embed (arena(0), output(normed))
  }
}
