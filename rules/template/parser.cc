#include "rules/template/parser.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "rules/template/functions.h"
#include "rules/template/lexer.h"
#include "rules/template/literals.h"

namespace tocsin::templates {
namespace {

constexpr std::string_view kKeywords[] = {"block", "break", "continue", "define",   "else",
                                          "end",   "if",    "range",    "template", "with"};

bool IsKeyword(std::string_view word) {
  return std::ranges::find(kKeywords, word) != std::end(kKeywords);
}

class Parser {
 public:
  Parser(Tree& tree, LexedTemplate lexed)
      : tree_(tree), tokens_(std::move(lexed.tokens)), lex_error_(std::move(lexed.error)) {}

  Status Run() {
    while (Peek().type != TokenType::kEnd) {
      if (Peek().type == TokenType::kLeftDelim && KeywordAfterDelim() == "define") {
        RETURN_IF_ERROR(Definition());
        continue;
      }
      RETURN_IF_ERROR(TextOrAction(tree_.root));
      if (!stop_.empty()) return Fail(fmt::format("unexpected {{{{{}}}}}", stop_));
    }
    return Ok();
  }

 private:
  const Token& Peek() const { return tokens_[at_]; }
  const Token& Next() {
    const Token& token = tokens_[at_];
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }
  void SkipSpace() {
    while (Peek().type == TokenType::kSpace) Next();
  }
  std::string_view KeywordAfterDelim() const {
    size_t i = at_ + 1;
    while (i < tokens_.size() && tokens_[i].type == TokenType::kSpace) ++i;
    return i < tokens_.size() && tokens_[i].type == TokenType::kIdentifier ? tokens_[i].text : "";
  }
  Error Fail(std::string_view message) const { return FailAt(Peek().offset, message); }
  Error FailAt(size_t offset, std::string_view message) const {
    return TemplateError(tree_.name, tree_.text, offset, message);
  }
  Error Unexpected(const Token& token, std::string_view context) const {
    if (token.type == TokenType::kError) return lex_error_;
    if (token.type == TokenType::kEnd) return FailAt(token.offset, "unexpected EOF");
    const std::string shown =
        token.type == TokenType::kIdentifier && IsKeyword(token.text)
            ? fmt::format("<{}>", token.text)
            : fmt::format("\"{}\"", token.text.substr(0, std::min<size_t>(token.text.size(), 10)));
    return FailAt(token.offset, fmt::format("unexpected {} in {}", shown, context));
  }

  template <typename T>
  static NodePtr MakeNode(size_t offset, T value) {
    auto node = std::make_unique<Node>();
    node->offset = offset;
    node->value = std::move(value);
    return node;
  }

  // A text or an action of any kind. Sets stop_ when it was end or else.
  Status TextOrAction(Nodes& into) {
    stop_ = {};
    const Token& token = Next();
    if (token.type == TokenType::kText) {
      into.push_back(MakeNode(token.offset, Text{std::string(token.text)}));
      return Ok();
    }
    if (token.type != TokenType::kLeftDelim) return Unexpected(token, "input");
    SkipSpace();
    const Token& first = Peek();
    if (first.type != TokenType::kIdentifier || !IsKeyword(first.text)) {
      ASSIGN_OR_RETURN(Pipe pipe, ParsePipe("command", TokenType::kRightDelim));
      const size_t offset = pipe.offset;
      into.push_back(MakeNode(offset, Action{std::move(pipe)}));
      return Ok();
    }
    Next();
    return Keyword(first, into);
  }

  Status Keyword(const Token& word, Nodes& into) {
    if (word.text == "if") return Control(word, Branch::Kind::kIf, into);
    if (word.text == "range") return Control(word, Branch::Kind::kRange, into);
    if (word.text == "with") return Control(word, Branch::Kind::kWith, into);
    if (word.text == "template") return TemplateCall(into);
    if (word.text == "block") return Block(word, into);
    if (word.text == "break" || word.text == "continue") {
      SkipSpace();
      if (Peek().type != TokenType::kRightDelim) {
        return Unexpected(Peek(), fmt::format("{{{{{}}}}}", word.text));
      }
      Next();
      if (range_depth_ == 0) {
        return FailAt(word.offset, fmt::format("{{{{{}}}}} outside {{{{range}}}}", word.text));
      }
      into.push_back(word.text == "break" ? MakeNode(word.offset, Break{})
                                          : MakeNode(word.offset, Continue{}));
      return Ok();
    }
    if (word.text == "define") return Unexpected(word, "command");
    stop_ = word.text;
    SkipSpace();
    if (stop_ == "else") {
      // {{else if …}} and {{else with …}} are left for Control.
      const std::string_view after = Peek().text;
      if (Peek().type == TokenType::kIdentifier && (after == "if" || after == "with")) return Ok();
    }
    if (Peek().type != TokenType::kRightDelim) return Unexpected(Peek(), std::string(stop_));
    Next();
    return Ok();
  }

  // Everything up to {{end}} or {{else}}, which is left in stop_.
  Status Body(Nodes& into, size_t opened_at) {
    for (;;) {
      if (Peek().type == TokenType::kEnd) return FailAt(opened_at, "unexpected EOF");
      RETURN_IF_ERROR(TextOrAction(into));
      if (!stop_.empty()) return Ok();
    }
  }

  Status Deeper() {
    if (++depth_ > kMaxTemplateDepth) {
      return Fail(fmt::format("nested deeper than {} levels", kMaxTemplateDepth));
    }
    return Ok();
  }

  Status Control(const Token& word, Branch::Kind kind, Nodes& into) {
    RETURN_IF_ERROR(Deeper());
    const size_t scope = variables_.size();
    Branch branch{.kind = kind, .pipe = {}, .body = {}, .otherwise = {}};
    ASSIGN_OR_RETURN(branch.pipe, ParsePipe(word.text, TokenType::kRightDelim));
    if (kind == Branch::Kind::kRange) ++range_depth_;
    RETURN_IF_ERROR(Body(branch.body, word.offset));
    if (kind == Branch::Kind::kRange) --range_depth_;
    if (stop_ == "else") {
      const Token& next = Peek();
      const bool chained = next.type == TokenType::kIdentifier &&
                           ((kind == Branch::Kind::kIf && next.text == "if") ||
                            (kind == Branch::Kind::kWith && next.text == "with"));
      if (chained) {
        // The inner branch consumes the one {{end}}.
        Next();
        RETURN_IF_ERROR(Control(next, kind, branch.otherwise));
        stop_ = "end";
      } else if (next.type == TokenType::kIdentifier) {
        return Unexpected(next, "else");
      } else {
        RETURN_IF_ERROR(Body(branch.otherwise, word.offset));
        if (stop_ != "end") return Fail("expected end; found {{else}}");
      }
    }
    stop_ = {};
    variables_.resize(scope);
    --depth_;
    into.push_back(MakeNode(word.offset, std::move(branch)));
    return Ok();
  }

  Result<std::string> TemplateName(std::string_view context) {
    SkipSpace();
    const Token& token = Next();
    if (token.type != TokenType::kString && token.type != TokenType::kRawString) {
      return Unexpected(token, context);
    }
    const std::optional<std::string> name = Unquote(token.text);
    if (!name) return FailAt(token.offset, "invalid syntax");
    return *name;
  }

  Status TemplateCall(Nodes& into) {
    Invocation call;
    SkipSpace();
    const size_t offset = Peek().offset;
    ASSIGN_OR_RETURN(call.name, TemplateName("template clause"));
    SkipSpace();
    if (Peek().type == TokenType::kRightDelim) {
      Next();
    } else {
      ASSIGN_OR_RETURN(call.pipe, ParsePipe("template clause", TokenType::kRightDelim));
    }
    into.push_back(MakeNode(offset, std::move(call)));
    return Ok();
  }

  // {{block "n" p}} … {{end}}: a definition and its call.
  Status Block(const Token& word, Nodes& into) {
    RETURN_IF_ERROR(Deeper());
    Invocation call;
    ASSIGN_OR_RETURN(call.name, TemplateName("block clause"));
    ASSIGN_OR_RETURN(call.pipe, ParsePipe("block clause", TokenType::kRightDelim));
    RETURN_IF_ERROR(DefinitionBody(call.name, word.offset));
    --depth_;
    into.push_back(MakeNode(word.offset, std::move(call)));
    return Ok();
  }

  Status Definition() {
    const size_t offset = Next().offset;
    SkipSpace();
    Next();
    ASSIGN_OR_RETURN(const std::string name, TemplateName("define clause"));
    SkipSpace();
    if (Peek().type != TokenType::kRightDelim) return Unexpected(Peek(), "define clause");
    Next();
    return DefinitionBody(name, offset);
  }

  Status DefinitionBody(const std::string& name, size_t offset) {
    const std::vector<std::string> outer = std::exchange(variables_, {"$"});
    const int outer_range = std::exchange(range_depth_, 0);
    Nodes body;
    RETURN_IF_ERROR(Body(body, offset));
    if (stop_ != "end") return Fail(fmt::format("unexpected {{{{else}}}} in define clause"));
    stop_ = {};
    tree_.defined[name] = std::move(body);
    variables_ = outer;
    range_depth_ = outer_range;
    return Ok();
  }

  // Reads `$x :=`, `$x =` and in range `$i, $x :=` when they stand here.
  Status Declarations(Pipe& pipe, std::string_view context) {
    for (;;) {
      SkipSpace();
      if (Peek().type != TokenType::kVariable) return Ok();
      const size_t begin = at_;
      const std::string name(Next().text);
      SkipSpace();
      const TokenType type = Peek().type;
      if (type == TokenType::kAssign || type == TokenType::kDeclare) {
        pipe.is_assignment = type == TokenType::kAssign;
        Next();
        pipe.variables.push_back(name);
        return Ok();
      }
      if (type != TokenType::kComma) {
        at_ = begin;
        return Ok();
      }
      Next();
      pipe.variables.push_back(name);
      if (context != "range" || pipe.variables.size() >= 2) {
        return Fail(fmt::format("too many declarations in {}", context));
      }
      SkipSpace();
      if (Peek().type != TokenType::kVariable) return Fail("range can only initialize variables");
    }
  }

  Result<Pipe> ParsePipe(std::string_view context, TokenType end) {
    RETURN_IF_ERROR(Deeper());
    Pipe pipe;
    SkipSpace();
    pipe.offset = Peek().offset;
    RETURN_IF_ERROR(Declarations(pipe, context));
    for (SkipSpace(); Peek().type != end; SkipSpace()) {
      if (!StartsOperand(Peek().type)) return Unexpected(Peek(), context);
      ASSIGN_OR_RETURN(Command command, ParseCommand());
      pipe.commands.push_back(std::move(command));
    }
    Next();
    RETURN_IF_ERROR(CheckPipe(pipe, context));
    for (const std::string& name : pipe.variables) {
      if (!pipe.is_assignment) variables_.push_back(name);
    }
    --depth_;
    return pipe;
  }

  Status CheckPipe(const Pipe& pipe, std::string_view context) const {
    if (pipe.commands.empty()) return Fail(fmt::format("missing value for {}", context));
    for (size_t i = 1; i < pipe.commands.size(); ++i) {
      const auto& first = pipe.commands[i].args[0]->value;
      if (std::holds_alternative<BoolLiteral>(first) || std::holds_alternative<Dot>(first) ||
          std::holds_alternative<Nil>(first) || std::holds_alternative<NumberLiteral>(first) ||
          std::holds_alternative<TextLiteral>(first)) {
        return Fail(fmt::format("non executable command in pipeline stage {}", i + 1));
      }
    }
    return Ok();
  }

  static bool StartsOperand(TokenType type) {
    switch (type) {
      case TokenType::kIdentifier:
      case TokenType::kField:
      case TokenType::kVariable:
      case TokenType::kDot:
      case TokenType::kNumber:
      case TokenType::kChar:
      case TokenType::kString:
      case TokenType::kRawString:
      case TokenType::kLeftParen:
        return true;
      case TokenType::kText:
      case TokenType::kLeftDelim:
      case TokenType::kRightDelim:
      case TokenType::kSpace:
      case TokenType::kRightParen:
      case TokenType::kPipe:
      case TokenType::kComma:
      case TokenType::kAssign:
      case TokenType::kDeclare:
      case TokenType::kOther:
      case TokenType::kError:
      case TokenType::kEnd:
        return false;
    }
    return false;
  }

  Result<Command> ParseCommand() {
    Command command{.offset = Peek().offset, .args = {}};
    for (;;) {
      SkipSpace();
      if (StartsOperand(Peek().type)) {
        ASSIGN_OR_RETURN(NodePtr operand, Operand());
        command.args.push_back(std::move(operand));
      }
      const TokenType type = Peek().type;
      if (type == TokenType::kSpace) continue;
      if (type == TokenType::kRightDelim || type == TokenType::kRightParen) break;
      if (type != TokenType::kPipe) return Unexpected(Peek(), "operand");
      Next();
      break;
    }
    if (command.args.empty()) return Fail("empty command");
    return command;
  }

  Result<NodePtr> Operand() {
    ASSIGN_OR_RETURN(NodePtr node, Term());
    std::vector<std::string> path;
    const size_t offset = Peek().offset;
    while (Peek().type == TokenType::kField) path.emplace_back(Next().text.substr(1));
    if (path.empty()) return node;
    if (auto* field = std::get_if<Field>(&node->value)) {
      field->path.insert(field->path.end(), path.begin(), path.end());
      node->offset = offset;
      return node;
    }
    if (auto* variable = std::get_if<Variable>(&node->value)) {
      variable->path = std::move(path);
      node->offset = offset;
      return node;
    }
    if (std::holds_alternative<Pipe>(node->value) ||
        std::holds_alternative<Function>(node->value)) {
      return MakeNode(offset, Chain{std::move(node), std::move(path)});
    }
    return FailAt(offset, fmt::format("unexpected . after term \"{}\"", ToString(*node)));
  }

  Result<NodePtr> Term() {
    const Token token = Next();
    switch (token.type) {
      case TokenType::kIdentifier:
        return Word(token);
      case TokenType::kDot:
        return MakeNode(token.offset, Dot{});
      case TokenType::kField:
        return MakeNode(token.offset, Field{{std::string(token.text.substr(1))}});
      case TokenType::kVariable:
        if (std::ranges::find(variables_, token.text) == variables_.end()) {
          return FailAt(token.offset, fmt::format("undefined variable \"{}\"", token.text));
        }
        return MakeNode(token.offset, Variable{std::string(token.text), {}});
      case TokenType::kLeftParen: {
        ASSIGN_OR_RETURN(Pipe pipe, ParsePipe("parenthesized pipeline", TokenType::kRightParen));
        return MakeNode(token.offset, std::move(pipe));
      }
      case TokenType::kChar: {
        const std::optional<int64_t> code = CharValue(token.text);
        if (!code) {
          return FailAt(token.offset, fmt::format("malformed character constant: {}", token.text));
        }
        return MakeNode(token.offset, NumberLiteral{*code, std::string(token.text)});
      }
      case TokenType::kNumber: {
        std::optional<NumberLiteral> number = NumberValue(token.text);
        if (!number) {
          return FailAt(token.offset, fmt::format("bad number syntax: \"{}\"", token.text));
        }
        return MakeNode(token.offset, *std::move(number));
      }
      case TokenType::kString:
      case TokenType::kRawString: {
        std::optional<std::string> text = Unquote(token.text);
        if (!text) return FailAt(token.offset, "invalid syntax");
        return MakeNode(token.offset, TextLiteral{*std::move(text), std::string(token.text)});
      }
      case TokenType::kText:
      case TokenType::kLeftDelim:
      case TokenType::kRightDelim:
      case TokenType::kSpace:
      case TokenType::kRightParen:
      case TokenType::kPipe:
      case TokenType::kComma:
      case TokenType::kAssign:
      case TokenType::kDeclare:
      case TokenType::kOther:
      case TokenType::kError:
      case TokenType::kEnd:
        break;
    }
    return Unexpected(token, "operand");
  }

  Result<NodePtr> Word(const Token& token) {
    if (token.text == "true" || token.text == "false") {
      return MakeNode(token.offset, BoolLiteral{token.text == "true"});
    }
    if (token.text == "nil") return MakeNode(token.offset, Nil{});
    if (IsKeyword(token.text)) return Unexpected(token, "operand");
    const FunctionRow* row = FindFunction(token.text);
    if (row == nullptr) {
      return FailAt(token.offset, fmt::format("function \"{}\" not defined", token.text));
    }
    return MakeNode(token.offset, Function{row});
  }

  Tree& tree_;
  std::vector<Token> tokens_;
  Error lex_error_;
  size_t at_ = 0;
  std::string_view stop_;  // "end" or "else" that ended the last body
  std::vector<std::string> variables_ = {"$"};
  int range_depth_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<std::unique_ptr<const Tree>> Parse(std::string name, std::string text) {
  if (text.size() > kMaxTemplateBytes) {
    return InvalidArgument(
        fmt::format("template: {}: longer than {} bytes", name, kMaxTemplateBytes));
  }
  auto tree = std::make_unique<Tree>();
  tree->name = std::move(name);
  tree->text = std::move(text);
  RETURN_IF_ERROR(Parser(*tree, Lex(tree->name, tree->text)).Run());
  return std::unique_ptr<const Tree>(std::move(tree));
}

}  // namespace tocsin::templates
