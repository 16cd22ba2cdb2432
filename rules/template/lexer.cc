#include "rules/template/lexer.h"

#include <fmt/core.h>

#include <algorithm>

namespace tocsin::templates {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

bool IsSpace(char c) { return kSpaces.find(c) != std::string_view::npos; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
// Bytes beyond ASCII count as letters: Go takes every Unicode letter in a name.
bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || IsDigit(c) ||
         static_cast<unsigned char>(c) >= 0x80;
}

class Lexer {
 public:
  Lexer(std::string_view name, std::string_view text) : name_(name), text_(text) {}

  LexedTemplate Run() {
    Status status;
    while (status.ok() && at_ < text_.size()) status = TextAndAction();
    Add(status.ok() ? TokenType::kEnd : TokenType::kError, std::min(at_, text_.size()), 0);
    return {std::move(tokens_), status.ok() ? Error() : status.error()};
  }

 private:
  std::string_view Rest() const { return text_.substr(at_); }
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void Add(TokenType type, size_t offset, size_t length) {
    tokens_.push_back({type, offset, text_.substr(offset, length)});
  }
  Error Fail(std::string_view message) const { return TemplateError(name_, text_, at_, message); }

  // The text up to the next action, and that action.
  Status TextAndAction() {
    const size_t begin = at_;
    const size_t open = std::min(text_.find("{{", at_), text_.size());
    const std::string_view after = text_.substr(std::min(open + 2, text_.size()));
    const bool trims = after.size() >= 2 && after[0] == '-' && IsSpace(after[1]);
    size_t end = open;
    if (open < text_.size() && trims) {
      while (end > begin && IsSpace(text_[end - 1])) --end;
    }
    if (end > begin) Add(TokenType::kText, begin, end - begin);
    at_ = open;
    if (open == text_.size()) return Ok();
    return Action(trims);
  }

  Status Action(bool trims_left) {
    const size_t open = at_;
    at_ += 2;
    if (const size_t skip = trims_left ? 2 : 0;
        Rest().substr(std::min(skip, Rest().size())).starts_with("/*")) {
      at_ += skip;
      return Comment();
    }
    Add(TokenType::kLeftDelim, open, trims_left ? 3 : 2);
    if (trims_left) at_ += 2;
    int depth = 0;
    for (;;) {
      if (AtRightDelim()) {
        if (depth > 0) return Fail("unclosed left paren");
        CloseAction(true);
        return Ok();
      }
      if (at_ >= text_.size()) return Fail("unclosed action");
      const char c = Peek();
      if (c == '(') ++depth;
      if (c == ')') --depth;
      RETURN_IF_ERROR(Inside());
    }
  }

  // {{/* … */}} and {{- /* … */ -}}: the comment must touch the delimiters.
  Status Comment() {
    const size_t close = text_.find("*/", at_);
    if (close == std::string_view::npos) return Fail("unclosed comment");
    at_ = close + 2;
    if (!AtRightDelim()) return Fail("comment ends before closing delimiter");
    CloseAction(false);
    return Ok();
  }

  bool AtTrimmingDelim() const {
    const std::string_view rest = Rest();
    return rest.size() >= 4 && IsSpace(rest[0]) && rest.substr(1).starts_with("-}}");
  }
  bool AtRightDelim() const { return Rest().starts_with("}}") || AtTrimmingDelim(); }

  void CloseAction(bool emit) {
    const bool trims = AtTrimmingDelim();
    if (trims) at_ += 2;
    if (emit) Add(TokenType::kRightDelim, at_, 2);
    at_ += 2;
    while (trims && at_ < text_.size() && IsSpace(text_[at_])) ++at_;
  }

  // One token within an action.
  Status Inside() {
    const size_t begin = at_;
    const char c = Peek();
    const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (IsSpace(c)) {
      while (IsSpace(Peek()) && at_ < text_.size() && !AtTrimmingDelim()) ++at_;
      Add(TokenType::kSpace, begin, at_ - begin);
      return Ok();
    }
    if (c == '"' || c == '\'') return Quoted(c);
    if (c == '`') return Raw();
    if (IsDigit(c) || ((c == '.' || c == '+' || c == '-') && IsDigit(next)) ||
        ((c == '+' || c == '-') && next == '.')) {
      return Number();
    }
    if (c == '.' || c == '$') return Name(c == '.' ? TokenType::kField : TokenType::kVariable);
    if (IsNameByte(c)) return Name(TokenType::kIdentifier);
    if (c == ':') {
      if (next != '=') return Fail("expected :=");
      at_ += 2;
      Add(TokenType::kDeclare, begin, 2);
      return Ok();
    }
    struct Single {
      char c;
      TokenType type;
    };
    constexpr Single kSingles[] = {{'=', TokenType::kAssign},
                                   {'|', TokenType::kPipe},
                                   {'(', TokenType::kLeftParen},
                                   {')', TokenType::kRightParen},
                                   {',', TokenType::kComma}};
    const auto* row = std::ranges::find(kSingles, c, &Single::c);
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      return Fail(fmt::format("unrecognized character in action: U+{:04X}", c));
    }
    ++at_;
    Add(row == std::end(kSingles) ? TokenType::kOther : row->type, begin, 1);
    return Ok();
  }

  // A word, or . and $ with the word that follows at once.
  Status Name(TokenType type) {
    const size_t begin = at_;
    if (type != TokenType::kIdentifier) ++at_;
    while (at_ < text_.size() && IsNameByte(Peek())) ++at_;
    const size_t length = at_ - begin;
    if (type == TokenType::kField && length == 1) type = TokenType::kDot;
    if (!AtTerminator()) {
      return Fail(fmt::format("bad character U+{:04X} '{}'", Peek(), Peek()));
    }
    Add(type, begin, length);
    return Ok();
  }

  bool AtTerminator() const {
    const char c = Peek();
    return at_ >= text_.size() || IsSpace(c) || AtRightDelim() ||
           std::string_view(".,|:()=").find(c) != std::string_view::npos;
  }

  Status Number() {
    const size_t begin = at_;
    if (Peek() == '+' || Peek() == '-') ++at_;
    while (at_ < text_.size() && (IsNameByte(Peek()) || Peek() == '.' ||
                                  ((Peek() == '+' || Peek() == '-') && AfterExponent(begin)))) {
      ++at_;
    }
    Add(TokenType::kNumber, begin, at_ - begin);
    return Ok();
  }
  bool AfterExponent(size_t begin) const {
    const char before = text_[at_ - 1];
    const bool hex = text_.substr(begin).starts_with("0x") || text_.substr(begin).starts_with("0X");
    return hex ? before == 'p' || before == 'P' : before == 'e' || before == 'E';
  }

  Status Quoted(char quote) {
    const size_t begin = at_++;
    for (; at_ < text_.size() && Peek() != quote; ++at_) {
      if (Peek() == '\\') ++at_;
      if (Peek() == '\n') break;
    }
    if (Peek() != quote || at_ >= text_.size()) {
      at_ = begin;
      return Fail(quote == '"' ? "unterminated quoted string" : "unterminated character constant");
    }
    ++at_;
    Add(quote == '"' ? TokenType::kString : TokenType::kChar, begin, at_ - begin);
    return Ok();
  }

  Status Raw() {
    const size_t begin = at_;
    const size_t end = text_.find('`', at_ + 1);
    if (end == std::string_view::npos) return Fail("unterminated raw quoted string");
    at_ = end + 1;
    Add(TokenType::kRawString, begin, at_ - begin);
    return Ok();
  }

  std::string_view name_;
  std::string_view text_;
  size_t at_ = 0;
  std::vector<Token> tokens_;
};

}  // namespace

Error TemplateError(std::string_view name, std::string_view text, size_t offset,
                    std::string_view message) {
  const std::string_view before = text.substr(0, offset);
  return InvalidArgument(
      fmt::format("template: {}:{}: {}", name, 1 + std::ranges::count(before, '\n'), message));
}

LexedTemplate Lex(std::string_view name, std::string_view text) { return Lexer(name, text).Run(); }

}  // namespace tocsin::templates
