#include "rules/template/ast.h"

#include "rules/template/functions.h"

namespace tocsin::templates {
namespace {

template <typename... Fs>
struct Overload : Fs... {
  using Fs::operator()...;
};
template <typename... Fs>
Overload(Fs...) -> Overload<Fs...>;

std::string PathText(const std::vector<std::string>& path) {
  std::string out;
  for (const std::string& name : path) out += "." + name;
  return out;
}

std::string ListText(const Nodes& nodes) {
  std::string out;
  for (const NodePtr& node : nodes) out += ToString(*node);
  return out;
}

std::string BranchText(const Branch& branch) {
  constexpr std::string_view kKeywords[] = {"if", "range", "with"};
  std::string out = "{{" + std::string(kKeywords[static_cast<size_t>(branch.kind)]) + " " +
                    ToString(branch.pipe) + "}}" + ListText(branch.body);
  if (!branch.otherwise.empty()) out += "{{else}}" + ListText(branch.otherwise);
  return out + "{{end}}";
}

}  // namespace

std::string ToString(const Command& command) {
  std::string out;
  for (const NodePtr& arg : command.args) {
    if (!out.empty()) out += ' ';
    const bool nested = std::holds_alternative<Pipe>(arg->value);
    out += nested ? "(" + ToString(*arg) + ")" : ToString(*arg);
  }
  return out;
}

std::string ToString(const Pipe& pipe) {
  std::string out;
  for (size_t i = 0; i < pipe.variables.size(); ++i) {
    if (i > 0) out += ", ";
    out += pipe.variables[i];
  }
  if (!pipe.variables.empty()) out += pipe.is_assignment ? " = " : " := ";
  for (size_t i = 0; i < pipe.commands.size(); ++i) {
    if (i > 0) out += " | ";
    out += ToString(pipe.commands[i]);
  }
  return out;
}

std::string ToString(const Node& node) {
  return std::visit(
      Overload{[](const Dot&) -> std::string { return "."; },
               [](const Nil&) -> std::string { return "nil"; },
               [](const BoolLiteral& b) -> std::string { return b.value ? "true" : "false"; },
               [](const NumberLiteral& n) { return n.text; },
               [](const TextLiteral& t) { return t.text; },
               [](const Field& f) { return PathText(f.path); },
               [](const Variable& v) { return v.name + PathText(v.path); },
               [](const Chain& c) {
                 const bool nested = std::holds_alternative<Pipe>(c.operand->value);
                 const std::string operand = ToString(*c.operand);
                 return (nested ? "(" + operand + ")" : operand) + PathText(c.path);
               },
               [](const Function& f) { return std::string(f.row->name); },
               [](const Pipe& p) { return ToString(p); }, [](const Text& t) { return t.text; },
               [](const Action& a) { return "{{" + ToString(a.pipe) + "}}"; },
               [](const Branch& b) { return BranchText(b); },
               [](const Invocation& i) {
                 const std::string pipe = ToString(i.pipe);
                 return "{{template \"" + i.name + "\"" + (pipe.empty() ? "" : " " + pipe) + "}}";
               },
               [](const Break&) -> std::string { return "{{break}}"; },
               [](const Continue&) -> std::string { return "{{continue}}"; }},
      node.value);
}

}  // namespace tocsin::templates
