//===- Regex.cpp - matching with PCRE2 ------------------------------------===//

#define PCRE2_CODE_UNIT_WIDTH 8
#include "runtime/tokenizer/Regex.h"

#include "runtime/tokenizer/Utf8.h"

#include <pcre2.h>

namespace dsv3::text {

static std::string pcreMessage(int error) {
  PCRE2_UCHAR buffer[256];
  pcre2_get_error_message(error, buffer, sizeof buffer);
  return reinterpret_cast<const char *>(buffer);
}

Expected<Regex> Regex::compile(const std::string &pattern) {
  if (validUtf8Prefix(pattern) != pattern.size()) {
    return Failure{"a pattern is not UTF-8"};
  }
  Expected<std::string> translated = translatePattern(pattern);
  if (!translated) {
    return translated.failure();
  }
  int error = 0;
  PCRE2_SIZE offset = 0;
  // In Ruby's syntax ^ and $ match at every line.
  pcre2_code *code =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated->data()), translated->size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE, &error, &offset, nullptr);
  if (!code) {
    return Failure{"a pattern does not compile: " + pcreMessage(error) + " at byte " +
                       std::to_string(offset),
                   "pattern " + pattern};
  }
  // Where there is no JIT, PCRE2 interprets: slower, with the same result.
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
  Regex regex;
  regex.source = pattern;
  regex.code =
      std::shared_ptr<void>(code, [](void *p) { pcre2_code_free(static_cast<pcre2_code *>(p)); });
  return regex;
}

Status Regex::findAll(std::string_view text, std::vector<Range> &matches) const {
  auto *compiled = static_cast<pcre2_code *>(code.get());
  std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> data(
      pcre2_match_data_create(1, nullptr), pcre2_match_data_free);
  if (!data) {
    return Failure{"out of memory while matching"};
  }
  auto *subject = reinterpret_cast<PCRE2_SPTR>(text.data() ? text.data() : "");
  size_t from = 0;
  while (from <= text.size()) {
    uint32_t options = PCRE2_NO_UTF_CHECK;
    int found = pcre2_match(compiled, subject, text.size(), from, options, data.get(), nullptr);
    if (found == PCRE2_ERROR_JIT_STACKLIMIT) {
      options |= PCRE2_NO_JIT;
      found = pcre2_match(compiled, subject, text.size(), from, options, data.get(), nullptr);
    }
    if (found == PCRE2_ERROR_NOMATCH) {
      break;
    }
    if (found < 0) {
      return Failure{"a pattern cannot be matched: " + pcreMessage(found), "pattern " + source};
    }
    const PCRE2_SIZE *range = pcre2_get_ovector_pointer(data.get());
    // \K in a lookahead can end a match before it starts.
    if (range[1] < range[0] || range[1] < from) {
      return Failure{"a pattern ends a match before its start", "pattern " + source};
    }
    matches.emplace_back(range[0], range[1]);
    from = range[1];
    if (range[0] == range[1]) {
      // After an empty match the search goes on one character further.
      from += from < text.size() ? decodeUtf8(text.substr(from)).length : 1;
    }
  }
  return {};
}

} // namespace dsv3::text
