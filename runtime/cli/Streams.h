//===- Streams.h - what a command reads and says ----------------*- C++ -*-===//
#pragma once

#include "dsv3/Support/Status.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dsv3::cli {

/// Writes to stdout at once, unbuffered. Fails if the disk is full or stdout closed.
Status writeOutput(std::string_view bytes);
/// A line on stderr.
void say(const std::string &line);

/// "0,5,7", also with spaces, line ends and JSON's brackets. Ids are from 0 to 2^31 - 1.
/// `where` names the text in a failure, which says the line and the number of the token.
Expected<std::vector<int32_t>> parseIds(std::string_view text, const std::string &where);
/// The ids that a flag gives: as parseIds reads them; or @FILE, a file or pipe that holds them,
/// or @- for stdin.
Expected<std::vector<int32_t>> idsOfFlag(std::string_view value, const std::string &flag);
/// "0,5,7"
std::string idsText(std::span<const int32_t> ids);

} // namespace dsv3::cli
