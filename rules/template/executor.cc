#include "rules/template/executor.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

namespace tocsin::templates {
namespace {

enum class Flow { kNext, kBreak, kContinue };

// The value that a pipeline hands to its next command; none for the first.
using Piped = std::optional<Value>;

class Executor {
 public:
  Executor(const Tree& tree, const AlertFields& fields, const Environment& environment)
      : tree_(tree), environment_(environment), running_(tree.name) {
    variables_.emplace_back("$", Value(&fields));
  }

  Result<std::string> Run() {
    const Value root = variables_[0].second;
    RETURN_IF_ERROR(Discard(Walk(root, tree_.root)));
    return std::move(out_);
  }

 private:
  static Status Discard(const Result<Flow>& flow) {
    return flow.ok() ? Ok() : Status(flow.error());
  }

  Error FailAt(size_t offset, std::string_view context, std::string_view message) const {
    const std::string_view before = std::string_view(tree_.text).substr(0, offset);
    const size_t newline = before.rfind('\n');
    const size_t column = newline == std::string_view::npos ? offset : offset - newline - 1;
    return ExecutionError(fmt::format("template: {}:{}:{}: executing \"{}\" at <{}>: {}",
                                      tree_.name, 1 + std::ranges::count(before, '\n'), column,
                                      running_, context, message));
  }
  Error Fail(const Node& node, std::string_view message) const {
    return FailAt(node.offset, ToString(node), message);
  }

  Status Count(const Node& node) {
    if (++steps_ > kMaxTemplateSteps) {
      return Fail(node, fmt::format("more than {} steps", kMaxTemplateSteps));
    }
    return Ok();
  }

  Status Write(const Node& node, std::string_view text) {
    if (out_.size() + text.size() > kMaxTemplateOutput) {
      return Fail(node, fmt::format("more than {} bytes of output", kMaxTemplateOutput));
    }
    out_ += text;
    return Ok();
  }

  // --- statements ---------------------------------------------------------------------------

  Result<Flow> Walk(const Value& dot, const Nodes& nodes) {
    for (const NodePtr& node : nodes) {
      RETURN_IF_ERROR(Count(*node));
      ASSIGN_OR_RETURN(const Flow flow, WalkNode(dot, *node));
      if (flow != Flow::kNext) return flow;
    }
    return Flow::kNext;
  }

  Result<Flow> WalkNode(const Value& dot, const Node& node) {
    if (const auto* text = std::get_if<Text>(&node.value)) {
      RETURN_IF_ERROR(Write(node, text->text));
    } else if (const auto* action = std::get_if<Action>(&node.value)) {
      ASSIGN_OR_RETURN(const Value value, Evaluate(dot, action->pipe));
      if (action->pipe.variables.empty()) RETURN_IF_ERROR(Write(node, value.Print()));
    } else if (const auto* branch = std::get_if<Branch>(&node.value)) {
      const size_t scope = variables_.size();
      Result<Flow> flow =
          branch->kind == Branch::Kind::kRange ? Range(dot, node, *branch) : IfOrWith(dot, *branch);
      variables_.resize(scope);
      return flow;
    } else if (const auto* call = std::get_if<Invocation>(&node.value)) {
      RETURN_IF_ERROR(Invoke(dot, node, *call));
    } else {
      return std::holds_alternative<Break>(node.value) ? Flow::kBreak : Flow::kContinue;
    }
    return Flow::kNext;
  }

  Result<Flow> IfOrWith(const Value& dot, const Branch& branch) {
    ASSIGN_OR_RETURN(const Value value, Evaluate(dot, branch.pipe));
    if (!value.IsTrue()) return Walk(dot, branch.otherwise);
    return Walk(branch.kind == Branch::Kind::kWith ? value : dot, branch.body);
  }

  Result<Flow> Range(const Value& dot, const Node& node, const Branch& branch) {
    // The variables are set anew for each element, by name.
    ASSIGN_OR_RETURN(const Value value, EvaluateCommands(dot, branch.pipe));
    std::vector<std::pair<Value, Value>> elements;
    if (const auto* list = value.As<List>()) {
      for (size_t i = 0; i < (*list)->size(); ++i) {
        elements.emplace_back(static_cast<int64_t>(i), (**list)[i]);
      }
    } else if (const auto* labels = value.As<LabelMap>()) {
      for (const auto& [name, text] : **labels) elements.emplace_back(name, text);
    } else if (const auto* map = value.As<Map>()) {
      for (const auto& [name, element] : **map) elements.emplace_back(name, element);
    } else if (const auto* count = value.As<int64_t>()) {
      for (int64_t i = 0; i < *count; ++i) {
        if (static_cast<size_t>(i) > kMaxTemplateSteps) return Fail(node, "too many iterations");
        elements.emplace_back(i, i);
      }
    } else if (!value.is_nil()) {
      return FailAt(branch.pipe.offset, ToString(branch.pipe),
                    "range can't iterate over " + value.Print());
    }
    if (elements.empty()) return Walk(dot, branch.otherwise);
    const size_t scope = variables_.size();
    for (const auto& [key, element] : elements) {
      const std::vector<std::string>& names = branch.pipe.variables;
      if (names.size() == 1) RETURN_IF_ERROR(SetVariable(branch.pipe, names[0], element));
      if (names.size() == 2) {
        RETURN_IF_ERROR(SetVariable(branch.pipe, names[0], key));
        RETURN_IF_ERROR(SetVariable(branch.pipe, names[1], element));
      }
      RETURN_IF_ERROR(Count(node));
      ASSIGN_OR_RETURN(const Flow flow, Walk(element, branch.body));
      variables_.resize(scope);
      if (flow == Flow::kBreak) break;
    }
    return Flow::kNext;
  }

  Status Invoke(const Value& dot, const Node& node, const Invocation& call) {
    const auto found = tree_.defined.find(call.name);
    if (found == tree_.defined.end()) {
      return Fail(node, fmt::format("template \"{}\" not defined", call.name));
    }
    constexpr int kMaxDepth = 100;
    if (++depth_ > kMaxDepth) {
      return Fail(node, fmt::format("exceeded maximum template depth ({})", kMaxDepth));
    }
    Value argument;
    if (!call.pipe.commands.empty()) {
      ASSIGN_OR_RETURN(argument, Evaluate(dot, call.pipe));
    }
    auto outer = std::exchange(variables_, {{"$", argument}});
    const std::string caller = std::exchange(running_, call.name);
    RETURN_IF_ERROR(Discard(Walk(argument, found->second)));
    running_ = caller;
    variables_ = std::move(outer);
    --depth_;
    return Ok();
  }

  Status SetVariable(const Pipe& pipe, const std::string& name, Value value) {
    if (!pipe.is_assignment) {
      variables_.emplace_back(name, std::move(value));
      return Ok();
    }
    for (auto variable = variables_.rbegin(); variable != variables_.rend(); ++variable) {
      if (variable->first != name) continue;
      variable->second = std::move(value);
      return Ok();
    }
    return FailAt(pipe.offset, ToString(pipe), "undefined variable: " + name);
  }

  // --- pipelines ----------------------------------------------------------------------------

  Result<Value> Evaluate(const Value& dot, const Pipe& pipe) {
    ASSIGN_OR_RETURN(Value value, EvaluateCommands(dot, pipe));
    for (const std::string& name : pipe.variables) {
      RETURN_IF_ERROR(SetVariable(pipe, name, value));
    }
    return value;
  }

  Result<Value> EvaluateCommands(const Value& dot, const Pipe& pipe) {
    Piped value;
    for (const Command& command : pipe.commands) {
      ASSIGN_OR_RETURN(value, EvaluateCommand(dot, command, value));
    }
    return value.value_or(Value());
  }

  Result<Value> EvaluateCommand(const Value& dot, const Command& command, const Piped& piped) {
    const Node& first = *command.args[0];
    RETURN_IF_ERROR(Count(first));
    const std::span<const NodePtr> rest = std::span(command.args).subspan(1);
    if (const auto* field = std::get_if<Field>(&first.value)) {
      return Follow(dot, {first, first}, field->path, rest, dot, piped);
    }
    if (const auto* chain = std::get_if<Chain>(&first.value)) {
      ASSIGN_OR_RETURN(const Value operand, EvaluateArgument(dot, *chain->operand));
      return Follow(dot, {first, LastOf(*chain->operand)}, chain->path, rest, operand, piped);
    }
    if (const auto* variable = std::get_if<Variable>(&first.value)) {
      const Value value = Lookup(variable->name);
      if (!variable->path.empty()) {
        return Follow(dot, {first, first}, variable->path, rest, value, piped);
      }
      RETURN_IF_ERROR(NotAFunction(first, rest, piped));
      return value;
    }
    if (const auto* function = std::get_if<Function>(&first.value)) {
      return Call(dot, first, *function->row, rest, piped, &command);
    }
    RETURN_IF_ERROR(NotAFunction(first, rest, piped));
    if (std::holds_alternative<Nil>(first.value)) return Fail(first, "nil is not a command");
    return EvaluateArgument(dot, first);
  }

  Status NotAFunction(const Node& node, std::span<const NodePtr> rest, const Piped& piped) const {
    if (rest.empty() && !piped) return Ok();
    return Fail(node, "can't give argument to non-function " + ToString(node));
  }

  // The value of a node that stands as an argument.
  Result<Value> EvaluateArgument(const Value& dot, const Node& node) {
    RETURN_IF_ERROR(Count(node));
    if (std::holds_alternative<Dot>(node.value)) return dot;
    if (std::holds_alternative<Nil>(node.value)) return Value();
    if (const auto* flag = std::get_if<BoolLiteral>(&node.value)) return Value(flag->value);
    if (const auto* text = std::get_if<TextLiteral>(&node.value)) return Value(text->value);
    if (const auto* number = std::get_if<NumberLiteral>(&node.value)) {
      if (const auto* integer = std::get_if<int64_t>(&number->value)) return Value(*integer);
      return Value(std::get<double>(number->value));
    }
    if (const auto* field = std::get_if<Field>(&node.value)) {
      return Follow(dot, {node, node}, field->path, {}, dot, {});
    }
    if (const auto* variable = std::get_if<Variable>(&node.value)) {
      const Value value = Lookup(variable->name);
      return variable->path.empty() ? Result<Value>(value)
                                    : Follow(dot, {node, node}, variable->path, {}, value, {});
    }
    if (const auto* pipe = std::get_if<Pipe>(&node.value)) return Evaluate(dot, *pipe);
    if (const auto* chain = std::get_if<Chain>(&node.value)) {
      ASSIGN_OR_RETURN(const Value operand, EvaluateArgument(dot, *chain->operand));
      return Follow(dot, {node, LastOf(*chain->operand)}, chain->path, {}, operand, {});
    }
    if (const auto* function = std::get_if<Function>(&node.value)) {
      return Call(dot, node, *function->row, {}, {});
    }
    return Fail(node, "can't handle this as an argument");
  }

  Value Lookup(const std::string& name) const {
    for (auto variable = variables_.rbegin(); variable != variables_.rend(); ++variable) {
      if (variable->first == name) return variable->second;
    }
    return {};
  }

  // --- fields and methods -------------------------------------------------------------------

  // Where errors of fields and methods are: a call that fails is named, what cannot be called is
  // told at what was computed last.
  struct Place {
    const Node& node;
    const Node& last;
  };

  static const Node& LastOf(const Node& node) {
    const auto* pipe = std::get_if<Pipe>(&node.value);
    return pipe == nullptr ? node : LastOf(*pipe->commands.back().args.back());
  }

  // receiver.a.b.c; the arguments go to the last.
  Result<Value> Follow(const Value& dot, const Place& place, const std::vector<std::string>& path,
                       std::span<const NodePtr> args, Value receiver, const Piped& piped) {
    for (size_t i = 0; i + 1 < path.size(); ++i) {
      ASSIGN_OR_RETURN(receiver, FieldOf(dot, place, path[i], {}, receiver, {}));
    }
    return FieldOf(dot, place, path.back(), args, receiver, piped);
  }

  Result<Value> FieldOf(const Value& dot, const Place& place, const std::string& name,
                        std::span<const NodePtr> args, const Value& receiver, const Piped& piped) {
    if (const MethodRow* method = FindMethod(receiver, name)) {
      return CallMethod(dot, place, *method, args, receiver, piped);
    }
    const Node& node = place.last;
    const auto reject_arguments = [&]() -> Status {
      if (args.empty() && !piped) return Ok();
      return Fail(node, fmt::format("{} has arguments but cannot be invoked as function", name));
    };
    const auto unknown = [&] {
      return Fail(node,
                  fmt::format("can't evaluate field {} in type {}", name, receiver.TypeName()));
    };
    if (const auto* labels = receiver.As<LabelMap>()) {
      if (!args.empty() || piped) {
        return Fail(node, fmt::format("{} is not a method but has arguments", name));
      }
      return Value((*labels)->Get(name));
    }
    if (const auto* map = receiver.As<Map>()) {
      RETURN_IF_ERROR(reject_arguments());
      const auto found = (*map)->find(name);
      return found == (*map)->end() ? Value() : found->second;
    }
    if (const auto* sample = receiver.As<SamplePointer>()) {
      RETURN_IF_ERROR(reject_arguments());
      if (name == "Labels") return Value(LabelMap(*sample, &(*sample)->labels));
      if (name == "Value") return Value((*sample)->value);
      return unknown();
    }
    if (const auto* root = receiver.As<const AlertFields*>()) {
      RETURN_IF_ERROR(reject_arguments());
      if (name == "Labels") return Value((*root)->labels);
      if (name == "ExternalLabels") return Value((*root)->external_labels);
      if (name == "ExternalURL") return Value((*root)->external_url);
      if (name == "Value") return (*root)->value;
      if (name == "ActiveAt") return Value((*root)->active_at);
      if (name == "Expr") return Value((*root)->expr);
      if (name == "For") return Value((*root)->hold);
      if (name == "Interval") return Value((*root)->interval);
      return unknown();
    }
    if (receiver.is_nil()) {
      return Fail(node, fmt::format("nil pointer evaluating interface {{}}.{}", name));
    }
    return unknown();
  }

  Result<Value> CallMethod(const Value& dot, const Place& place, const MethodRow& method,
                           std::span<const NodePtr> args, const Value& receiver,
                           const Piped& piped) {
    const size_t given = args.size() + (piped ? 1 : 0);
    if (given != method.arguments) {
      return Fail(place.last, fmt::format("wrong number of args for {}: want {} got {}",
                                          method.name, method.arguments, given));
    }
    std::vector<Value> values;
    for (const NodePtr& arg : args) {
      ASSIGN_OR_RETURN(Value value, EvaluateArgument(dot, *arg));
      RETURN_IF_ERROR(CheckType(*arg, value, method.parameter));
      values.push_back(std::move(value));
    }
    if (piped) {
      RETURN_IF_ERROR(CheckType(place.node, *piped, method.parameter));
      values.push_back(*piped);
    }
    Result<Value> result = method.call(receiver, values);
    if (result.ok()) return result;
    return Fail(place.node,
                fmt::format("error calling {}: {}", method.name, result.error().message));
  }

  // --- functions ----------------------------------------------------------------------------

  // `command`: the whole call, which errors of the function quote; null when the function stands
  // as an argument by itself.
  Result<Value> Call(const Value& dot, const Node& node, const FunctionRow& row,
                     std::span<const NodePtr> args, const Piped& piped,
                     const Command* command = nullptr) {
    const size_t given = args.size() + (piped ? 1 : 0);
    const size_t fixed = row.parameters.size() - (row.variadic ? 1 : 0);
    if (row.variadic ? given < fixed : given != fixed) {
      return Fail(node, fmt::format("wrong number of args for {}: want {}{} got {}", row.name,
                                    row.variadic ? "at least " : "", fixed, given));
    }
    if (row.short_circuits) return AndOr(dot, row.name == "or", args, piped);
    std::vector<Value> values;
    for (size_t i = 0; i < given; ++i) {
      const bool from_pipe = i == args.size();
      const ParameterType type = row.parameters[std::min(i, row.parameters.size() - 1)];
      const Node& place = from_pipe ? node : *args[i];
      Value value = from_pipe ? *piped : Value();
      if (!from_pipe) {
        ASSIGN_OR_RETURN(value, EvaluateArgument(dot, *args[i]));
      }
      RETURN_IF_ERROR(CheckType(place, value, type));
      values.push_back(std::move(value));
    }
    Result<Value> result = row.call(environment_, values);
    if (result.ok()) return result;
    return FailAt(node.offset, command == nullptr ? ToString(node) : ToString(*command),
                  fmt::format("error calling {}: {}", row.name, result.error().message));
  }

  Result<Value> AndOr(const Value& dot, bool is_or, std::span<const NodePtr> args,
                      const Piped& piped) {
    Value value;
    for (const NodePtr& arg : args) {
      ASSIGN_OR_RETURN(value, EvaluateArgument(dot, *arg));
      if (value.IsTrue() == is_or) return value;
    }
    return piped ? *piped : value;
  }

  Status CheckType(const Node& place, const Value& value, ParameterType type) const {
    struct Wanted {
      bool fits;
      std::string_view name;
      bool nil_fits;
    };
    Wanted wanted{};
    switch (type) {
      case ParameterType::kAny:
        return Ok();
      case ParameterType::kString:
        wanted = {value.As<std::string>() != nullptr, "string", false};
        break;
      case ParameterType::kSample:
        wanted = {value.As<SamplePointer>() != nullptr, "*template.sample", false};
        break;
      case ParameterType::kList:
        wanted = {value.As<List>() != nullptr, "template.queryResult", false};
        break;
    }
    if (wanted.fits) return Ok();
    const bool is_constant = std::holds_alternative<NumberLiteral>(place.value) ||
                             std::holds_alternative<BoolLiteral>(place.value);
    if (is_constant && type == ParameterType::kString) {
      return Fail(place, fmt::format("expected string; found {}", ToString(place)));
    }
    if (is_constant || std::holds_alternative<TextLiteral>(place.value)) {
      return Fail(place,
                  fmt::format("can't handle {} for arg of type {}", ToString(place), wanted.name));
    }
    if (std::holds_alternative<Nil>(place.value)) {
      return Fail(place, fmt::format("cannot assign nil to {}", wanted.name));
    }
    if (value.is_nil()) {
      return Fail(place, fmt::format("invalid value; expected {}", wanted.name));
    }
    return Fail(place, fmt::format("wrong type for value; expected {}; got {}", wanted.name,
                                   value.TypeName()));
  }

  const Tree& tree_;
  const Environment& environment_;
  std::string running_;
  std::string out_;
  size_t steps_ = 0;
  int depth_ = 0;
  std::vector<std::pair<std::string, Value>> variables_;
};

}  // namespace

Result<std::string> Execute(const Tree& tree, const AlertFields& fields,
                            const Environment& environment) {
  return Executor(tree, fields, environment).Run();
}

}  // namespace tocsin::templates
