// The tree of a template; Go's text/template/parse nodes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace tocsin::templates {

struct FunctionRow;  // rules/template/functions.h
struct Node;
struct Pipe;
using NodePtr = std::unique_ptr<Node>;
using Nodes = std::vector<NodePtr>;

struct Dot {};
struct Nil {};
struct BoolLiteral {
  bool value;
};
// As Go decides for untyped arguments: an int when it is one, else a float64.
struct NumberLiteral {
  std::variant<int64_t, double> value;
  std::string text;
};
struct TextLiteral {
  std::string value;
  std::string text;  // with quotes, as written
};
// .Labels.job
struct Field {
  std::vector<std::string> path;
};
// $x.job
struct Variable {
  std::string name;  // with $
  std::vector<std::string> path;
};
// (pipeline).Value
struct Chain {
  NodePtr operand;
  std::vector<std::string> path;
};
struct Function {
  const FunctionRow* row;
};
struct Command {
  size_t offset = 0;
  Nodes args;  // at least one
};
struct Pipe {
  size_t offset = 0;
  bool is_assignment = false;          // = rather than :=
  std::vector<std::string> variables;  // one, or two in range
  std::vector<Command> commands;
};

struct Text {
  std::string text;
};
struct Action {
  Pipe pipe;
};
struct Branch {
  enum class Kind { kIf, kRange, kWith };
  Kind kind;
  Pipe pipe;
  Nodes body;
  Nodes otherwise;
};
struct Invocation {  // {{template "name" pipeline}}
  std::string name;
  Pipe pipe;  // no commands: nil
};
struct Break {};
struct Continue {};

struct Node {
  size_t offset = 0;  // in the template's text
  std::variant<Dot, Nil, BoolLiteral, NumberLiteral, TextLiteral, Field, Variable, Chain, Function,
               Pipe, Text, Action, Branch, Invocation, Break, Continue>
      value;
};

// A parsed template and those that it defines.
struct Tree {
  std::string name;
  std::string text;
  Nodes root;
  std::map<std::string, Nodes, std::less<>> defined;
};

// The text of a node as Go's String methods print it in error messages.
std::string ToString(const Node& node);
std::string ToString(const Pipe& pipe);
std::string ToString(const Command& command);

}  // namespace tocsin::templates
