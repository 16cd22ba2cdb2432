// The literals of Go that templates may have: "text", `raw text`, 'c', 1_000, 0x1F, 1e3.
//
// Source: https://go.dev/ref/spec#Lexical_elements
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "rules/template/ast.h"

namespace tocsin::templates {

// All take the literal as it is written, with its quotes, and give nothing when it is malformed.

// "a\tb" to what it means.
std::optional<std::string> Unquote(std::string_view quoted);
// The code point of a character.
std::optional<int64_t> CharValue(std::string_view quoted);
// A whole number where it is written as one and 64 bits hold it, else a float.
std::optional<NumberLiteral> NumberValue(std::string_view text);

}  // namespace tocsin::templates
