#include "engine/promql/parser.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/promql/parser_impl.h"
#include "engine/promql/quote.h"

namespace tocsin::promql {
namespace {

Error FirstError(std::string_view text, const std::vector<ParseError>& errors) {
  return InvalidArgument(FormatParseError(text, errors.front()));
}

bool IsMetricNameByte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return IsPromqlAlpha(byte) || IsPromqlDigit(byte) || c == ':';
}

std::optional<ParseError> CheckLength(std::string_view text, const ParserOptions& options) {
  if (text.size() <= options.max_text_bytes) return std::nullopt;
  return ParseError{.position = {},
                    .message = fmt::format("expression is {} bytes long, at most {} are allowed",
                                           text.size(), options.max_text_bytes)};
}

}  // namespace

std::string FormatParseError(std::string_view text, const ParseError& error) {
  const size_t begin = static_cast<size_t>(std::max(error.position.begin, 0));
  const std::string_view before = text.substr(0, std::min(begin, text.size()));
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const size_t newline = before.rfind('\n');
  const size_t line_start = newline == std::string_view::npos ? 0 : newline + 1;
  return fmt::format("{}:{}: parse error: {}", lines + 1, begin - line_start + 1, error.message);
}

bool EnableFeature(std::string_view name, ParserOptions& options) {
  struct Feature {
    std::string_view name;
    bool ParserOptions::*flag;
  };
  constexpr Feature kFeatures[] = {
      {"promql-experimental-functions", &ParserOptions::experimental_functions},
      {"promql-duration-expr", &ParserOptions::duration_expressions},
      {"promql-extended-range-selectors", &ParserOptions::extended_range_selectors},
      {"promql-binop-fill-modifiers", &ParserOptions::binop_fill_modifiers},
  };
  const auto* feature = std::ranges::find(kFeatures, name, &Feature::name);
  if (feature == std::end(kFeatures)) return false;
  options.*(feature->flag) = true;
  return true;
}

Result<std::shared_ptr<const ParsedQuery>> ParseQuery(std::string_view text,
                                                      const ParserOptions& options) {
  if (const auto error = CheckLength(text, options)) return FirstError(text, {*error});
  Parser parser(text, options);
  auto query = parser.ParseQuery();
  if (!parser.errors().empty()) return FirstError(text, parser.errors());
  return query;
}

std::vector<ParseError> FindParseErrors(std::string_view text, const ParserOptions& options) {
  if (const auto error = CheckLength(text, options)) return {*error};
  Parser parser(text, options);
  parser.ParseQuery();
  return std::move(parser.errors());
}

Result<std::vector<Matcher>> ParseSelector(std::string_view text, const ParserOptions& options) {
  if (const auto error = CheckLength(text, options)) return FirstError(text, {*error});
  Parser parser(text, options);
  std::vector<Matcher> matchers = parser.ParseSelectorOnly();
  if (!parser.errors().empty()) return FirstError(text, parser.errors());
  return matchers;
}

Result<LabelSet> ParseMetric(std::string_view text) {
  const ParserOptions options;
  if (const auto error = CheckLength(text, options)) return FirstError(text, {*error});
  Parser parser(text, options);
  LabelSet labels = parser.ParseMetricPrefix();
  if (parser.errors().empty()) parser.ExpectEnd();
  if (!parser.errors().empty()) return FirstError(text, parser.errors());
  return labels;
}

Result<LabelSet> CutMetric(std::string_view& text) {
  const ParserOptions options;
  // Braces belong to the metric only without a blank before them: what follows may be {{…}}.
  size_t name_end = 0;
  while (name_end < text.size() && IsMetricNameByte(text[name_end])) ++name_end;
  const bool braces = name_end < text.size() && text[name_end] == '{';
  Parser parser(braces ? text : text.substr(0, name_end), options);
  LabelSet labels = parser.ParseMetricPrefix();
  if (!parser.errors().empty()) return FirstError(text, parser.errors());
  text.remove_prefix(static_cast<size_t>(parser.offset()));
  return labels;
}

Parser::Parser(std::string_view text, const ParserOptions& options)
    : text_(text), options_(options), lexer_(text), query_(std::make_shared<ParsedQuery>()) {
  query_->text_ = text;
}

std::shared_ptr<const ParsedQuery> Parser::ParseQuery() {
  if (PeekIs(TokenType::kEof)) {
    AddError({}, "no expression found in input");
    return nullptr;
  }
  Expr* root = ParseExpression(0);
  if (!failed_ && root != nullptr) ExpectEnd();
  if (errors_.empty()) errors_ = FindTypeErrors(*root);
  if (errors_.empty() && root->depth > options_.max_depth) {
    AddError({}, fmt::format("expression has {} levels, at most {} are allowed", root->depth,
                             options_.max_depth));
  }
  if (!errors_.empty()) return nullptr;
  SettleMatchings();
  query_->root_ = root;
  return query_;
}

std::shared_ptr<const ParsedQuery> Parser::ParseEdited(const MatcherEdit& edit) {
  ParseQuery();
  for (Expr& expr : query_->exprs_) {
    if (auto* selector = std::get_if<VectorSelector>(&expr.node)) edit(selector->matchers);
  }
  return query_;
}

std::vector<Matcher> Parser::ParseSelectorOnly() {
  const Expr* expr = nullptr;
  if (PeekIs(TokenType::kLeftBrace)) {
    expr = ParseSelector(nullptr);
  } else if (MayBeMetricName(Peek().type)) {
    const Token name = Take();
    expr = ParseSelector(&name);
  } else {
    SyntaxError();
  }
  if (expr == nullptr) return {};
  ExpectEnd();
  return expr->As<VectorSelector>()->matchers;
}

void Parser::ExpectEnd() {
  if (!PeekIs(TokenType::kEof)) SyntaxError();
}

void Parser::SettleMatchings() {
  for (Expr& expr : query_->exprs_) {
    auto* binary = std::get_if<Binary>(&expr.node);
    if (binary == nullptr) continue;
    if (binary->lhs->type != ValueType::kVector || binary->rhs->type != ValueType::kVector) {
      binary->matching.reset();
    } else if (IsSetOperator(binary->op)) {
      binary->matching->cardinality = VectorMatching::Cardinality::kManyToMany;
    }
  }
}

const Token& Parser::Peek() {
  if (have_token_) return token_;
  token_ = lexer_.Next();
  have_token_ = true;
  switch (token_.type) {
    case TokenType::kError:
      AddError(token_.position, std::string(token_.text));
      break;
    case TokenType::kRightBrace:
    case TokenType::kRightParen:
    case TokenType::kRightBracket:
    case TokenType::kNumber:
    case TokenType::kDuration:
      last_closing_ = token_.position.end;
      break;
    default:
      break;
  }
  return token_;
}

Token Parser::Take() {
  Peek();
  have_token_ = false;
  return token_;
}

std::optional<Token> Parser::Accept(TokenType type) {
  if (!PeekIs(type)) return std::nullopt;
  return Take();
}

bool Parser::Expect(TokenType type) {
  if (Accept(type)) return true;
  SyntaxError();
  return false;
}

void Parser::AddError(PositionRange position, std::string message) {
  errors_.push_back({.position = position, .message = std::move(message)});
}

std::nullptr_t Parser::SyntaxError() { return SyntaxError(context_.where, context_.expected); }

std::nullptr_t Parser::SyntaxError(std::string_view where, std::string_view expected) {
  if (failed_) return nullptr;
  failed_ = true;
  const Token& token = Peek();
  // What the lexer could not read has been reported already.
  if (token.type != TokenType::kError) {
    std::string message = "unexpected " + token.Description();
    if (!where.empty()) message += fmt::format(" in {}", where);
    if (!expected.empty()) message += fmt::format(", expected {}", expected);
    AddError(token.position, std::move(message));
  }
  if (context_.aggregate != nullptr && where == context_.where) {
    AddError({context_.aggregate->position.begin, last_closing_},
             "no arguments for aggregate expression provided");
  }
  return nullptr;
}

bool Parser::TooDeep() {
  if (nesting_ < options_.max_nesting) return false;
  if (!failed_) {
    failed_ = true;
    AddError(Peek().position,
             fmt::format("expression is nested deeper than {} levels", options_.max_nesting));
  }
  return true;
}

std::string Parser::UnquoteToken(const Token& token) {
  Result<std::string> text = Unquote(token.text);
  if (text.ok()) return *std::move(text);
  AddError(token.position,
           fmt::format("error unquoting string {}: {}", Quote(token.text), text.error().message));
  return {};
}

}  // namespace tocsin::promql
