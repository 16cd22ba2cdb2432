// Cuts a template into texts and the tokens of its actions, as Go's text/template/parse/lex.go
// does: spaces inside an action are tokens, because they separate arguments.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tocsin::templates {

enum class TokenType {
  kText,  // outside actions, trimmed
  kLeftDelim,
  kRightDelim,
  kSpace,
  kIdentifier,  // functions and keywords
  kField,       // .name
  kVariable,    // $ or $name
  kDot,
  kNumber,
  kChar,       // 'c'
  kString,     // "…" with quotes
  kRawString,  // `…` with quotes
  kLeftParen,
  kRightParen,
  kPipe,
  kComma,
  kAssign,   // =
  kDeclare,  // :=
  kOther,    // a character that means nothing here
  kError,    // where lexing stopped; LexedTemplate::error says why
  kEnd,
};

struct Token {
  TokenType type = TokenType::kEnd;
  size_t offset = 0;  // in the template's text
  std::string_view text;
};

// The last token is kEnd or kError: what stands before the error is parsed first, so that the
// message is the one that Go gives, whose lexer runs beside the parser.
struct LexedTemplate {
  std::vector<Token> tokens;  // they point into the text
  Error error;                // "template: NAME:LINE: what"
};
LexedTemplate Lex(std::string_view name, std::string_view text);

// "template: NAME:LINE: message" for a place in the text.
Error TemplateError(std::string_view name, std::string_view text, size_t offset,
                    std::string_view message);

}  // namespace tocsin::templates
