#include "cli/explain_text.h"

#include <fmt/core.h>

#include "base/time.h"
#include "cli/terminal.h"
#include "engine/model/label_set.h"

namespace tocsin::cli {
namespace {

std::string Text(const JsonValue& object, std::string_view key) {
  const JsonValue* value = object.Find(key);
  return value == nullptr ? "" : std::string(value->TextOrEmpty());
}

double Number(const JsonValue& object, std::string_view key) {
  const JsonValue* value = object.Find(key);
  return value == nullptr || value->AsNumber() == nullptr ? 0 : *value->AsNumber();
}

const JsonValue::Array& List(const JsonValue& object, std::string_view key) {
  static const JsonValue::Array kNone;
  const JsonValue* value = object.Find(key);
  return value == nullptr || value->AsArray() == nullptr ? kNone : *value->AsArray();
}

LabelSet Labels(const JsonValue& object) {
  LabelSet labels;
  const JsonValue* value = object.Find("labels");
  if (value != nullptr && value->AsObject() != nullptr) {
    for (const auto& [name, text] : *value->AsObject()) labels.Set(name, text.TextOrEmpty());
  }
  return labels;
}

std::string Seconds(double seconds) {
  return FormatPrometheusDuration(std::chrono::floor<std::chrono::seconds>(FromSeconds(seconds)));
}

// `lead` stands before the node's first line, `rest` before all that follow.
void AddNode(const JsonValue& node, const std::string& lead, const std::string& rest, bool colors,
             std::string& out) {
  const auto in = static_cast<size_t>(Number(node, "in"));
  const auto given = static_cast<size_t>(Number(node, "out"));
  const bool leaf = List(node, "operands").empty() && Text(node, "kind") != "selector";
  const Color color = given == 0 ? Color::kRed : Color::kGreen;
  const std::string counts =
      leaf ? fmt::format("{}", given) : fmt::format("{} in, {} out", in, given);
  out += lead + Colored(Text(node, "expr"), Color::kBold, colors) + "  " +
         Colored("[" + counts + "]", color, colors) + "\n";
  const std::string inner = rest + (List(node, "operands").empty() ? "    " : "│   ");
  const std::string error = Text(node, "error");
  if (!error.empty()) out += inner + Colored("error: " + error, Color::kRed, colors) + "\n";
  for (const JsonValue& note : List(node, "notes")) {
    out += inner + std::string(note.TextOrEmpty()) + "\n";
  }
  for (const JsonValue& series : List(node, "series")) {
    out += inner +
           Colored(Labels(series).ToString() + " " + Text(series, "value"), Color::kDim, colors) +
           "\n";
  }
  const size_t shown = List(node, "series").size();
  if (given > shown) out += inner + fmt::format("… and {} more\n", given - shown);
  const JsonValue::Array& operands = List(node, "operands");
  for (size_t i = 0; i < operands.size(); ++i) {
    const bool last = i + 1 == operands.size();
    AddNode(operands[i], rest + (last ? "└── " : "├── "), rest + (last ? "    " : "│   "), colors,
            out);
  }
}

void AddAlert(const JsonValue& alert, bool colors, std::string& out) {
  const std::string state = Text(alert, "state");
  const Color color = state == "firing"    ? Color::kRed
                      : state == "pending" ? Color::kYellow
                                           : Color::kGreen;
  LabelSet labels = Labels(alert);
  labels.Remove("alertname");
  out += Colored(state, color, colors) + " " + labels.ToString() + " value " +
         Text(alert, "value") + "\n";
  const auto line = [&](std::string_view what, const std::string& value) {
    if (!value.empty()) out += fmt::format("  {} {}\n", what, value);
  };
  line("active since", Text(alert, "activeAt"));
  if (state == "pending") {
    const double left = Number(alert, "firesInSeconds");
    line("fires", left > 0 ? "in " + Seconds(left) : "at the next evaluation");
  }
  line("firing since", Text(alert, "firedAt"));
  line("condition gone since", Text(alert, "keepFiringSince"));
  line("resolved at", Text(alert, "resolvedAt"));
  line("last sent", Text(alert, "lastSent"));
}

}  // namespace

std::string RenderExplanation(const JsonValue& rule, bool colors) {
  std::string out;
  const std::string name = Text(rule, "name");
  const std::string state = Text(rule, "state");
  if (!state.empty()) {
    out += Colored(name, Color::kBold, colors) + " is " + state + " at " + Text(rule, "at") + "\n";
  } else {
    out += "at " + Text(rule, "at") + "\n";
  }
  const std::string error = Text(rule, "lastError");
  if (!error.empty()) out += Colored("last error: " + error, Color::kRed, colors) + "\n";
  for (const JsonValue& alert : List(rule, "alerts")) AddAlert(alert, colors, out);
  if (!state.empty() && List(rule, "alerts").empty()) {
    out += "no alert: the expression gives nothing\n";
  }
  for (const JsonValue& manager : List(rule, "alertmanagers")) {
    const std::string success = Text(manager, "lastSuccess");
    out += fmt::format("{}: {}{}\n", Text(manager, "url"),
                       success.empty() ? "nothing delivered yet" : "last delivery " + success,
                       Text(manager, "lastError").empty() ? "" : ", " + Text(manager, "lastError"));
  }
  out += "\n";
  if (const JsonValue* tree = rule.Find("tree")) AddNode(*tree, "", "", colors, out);
  return out;
}

}  // namespace tocsin::cli
