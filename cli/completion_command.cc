#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "cli/commands.h"

namespace tocsin::cli {
namespace {

// The words before the cursor ("", "check", "check rules") and what may follow them.
struct Place {
  std::string before;
  std::vector<std::string> words;        // subcommands
  const CommandSpec* command = nullptr;  // whose flags and files may follow
};

std::vector<Place> Places() {
  std::vector<Place> places;
  const auto place = [&](const std::string& before) -> Place& {
    const auto found = std::ranges::find(places, before, &Place::before);
    if (found != places.end()) return *found;
    return places.emplace_back(Place{.before = before, .words = {}});
  };
  for (const CommandSpec* command : Commands()) {
    std::string before;
    std::string_view rest = command->name;
    while (!rest.empty()) {
      const size_t space = std::min(rest.find(' '), rest.size());
      const std::string word(rest.substr(0, space));
      std::vector<std::string>& words = place(before).words;
      if (std::ranges::find(words, word) == words.end()) words.push_back(word);
      before += (before.empty() ? "" : " ") + word;
      rest.remove_prefix(std::min(space + 1, rest.size()));
    }
    place(before).command = command;
  }
  return places;
}

std::string Words(const Place& place) {
  std::string words;
  for (const std::string& word : place.words) words += word + " ";
  if (place.command != nullptr) {
    for (const FlagSpec& flag : place.command->flags) {
      words += std::string(flag.name) + (flag.value.empty() ? " " : "= ");
    }
  }
  return words + "--help";
}

// The texts that a flag's value can be: "text|json" -> "text json"; "" when it can be anything.
std::string Choices(const FlagSpec& flag) {
  std::string choices(flag.value);
  if (choices.find('|') == std::string::npos) return "";
  std::ranges::replace(choices, '|', ' ');
  return choices;
}

std::string Bash() {
  std::string cases;
  std::string values;
  for (const Place& place : Places()) {
    cases += fmt::format("    \"{}\") words=\"{}\" ;;\n", place.before, Words(place));
    if (place.command == nullptr) continue;
    for (const FlagSpec& flag : place.command->flags) {
      const std::string choices = Choices(flag);
      if (choices.empty()) continue;
      values += fmt::format("    \"{} {}\") words=\"{}\" ;;\n", place.before, flag.name, choices);
    }
  }
  return "# bash completion of tocsin: source <(tocsin completion bash)\n"
         "_tocsin() {\n"
         "  local cur=\"${COMP_WORDS[COMP_CWORD]}\" before=\"\" words=\"\" i\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    case \"${COMP_WORDS[i]}\" in -*|=|*/*|*.*) break ;; esac\n"
         "    before=\"${before:+$before }${COMP_WORDS[i]}\"\n"
         "  done\n"
         "  case \"$before\" in\n" +
         cases +
         "  esac\n"
         // Behind --flag= the words are "--flag", "=" and what is there of the value.
         "  local flag=\"\"\n"
         "  [[ \"$cur\" == \"=\" ]] && flag=\"${COMP_WORDS[COMP_CWORD-1]}\" && cur=\"\"\n"
         "  [[ \"${COMP_WORDS[COMP_CWORD-1]}\" == \"=\" ]] && "
         "flag=\"${COMP_WORDS[COMP_CWORD-2]}\"\n"
         "  [[ -n \"$flag\" ]] && words=\"\"\n"
         "  case \"$before $flag\" in\n" +
         values +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
         "  [[ ${#COMPREPLY[@]} -eq 0 ]] && COMPREPLY=($(compgen -f -- \"$cur\"))\n"
         "  [[ \"${COMPREPLY[0]}\" == *= ]] && compopt -o nospace\n"
         "}\n"
         "complete -o filenames -F _tocsin tocsin\n";
}

// Inside single quotes of zsh's _arguments, where [, ] and : have a meaning.
std::string ZshText(std::string_view text) {
  std::string quoted;
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
      continue;
    }
    if (c == '[' || c == ']' || c == ':') quoted += '\\';
    quoted += c;
  }
  return quoted;
}

std::string Zsh() {
  std::string cases;
  for (const Place& place : Places()) {
    cases += fmt::format("    \"{}\")\n", place.before);
    if (!place.words.empty()) {
      cases += "      compadd --";
      for (const std::string& word : place.words) cases += " " + word;
      cases += "\n";
    }
    if (place.command != nullptr) {
      cases += "      _arguments -S";
      for (const FlagSpec& flag : place.command->flags) {
        cases += fmt::format(" \\\n        '{}{}{}[{}]{}'", flag.repeated ? "*" : "", flag.name,
                             flag.value.empty() ? "" : "=", ZshText(flag.help),
                             flag.value.empty()
                                 ? ""
                                 : ":" + ZshText(flag.value) +
                                       (Choices(flag).empty() ? std::string(":_files")
                                                              : ":(" + Choices(flag) + ")"));
      }
      cases += " \\\n        '*:file:_files'\n";
    }
    cases += "      ;;\n";
  }
  return "#compdef tocsin\n"
         "# zsh completion of tocsin: tocsin completion zsh > \"${fpath[1]}/_tocsin\"\n"
         "_tocsin() {\n"
         "  local before=\"\" i\n"
         "  for ((i = 2; i < CURRENT; i++)); do\n"
         "    [[ \"${words[i]}\" == (-*|*/*|*.*) ]] && break\n"
         "    before=\"${before:+$before }${words[i]}\"\n"
         "  done\n"
         "  case \"$before\" in\n" +
         cases +
         "  esac\n"
         "}\n"
         "_tocsin \"$@\"\n";
}

std::string FishText(std::string_view text) {
  std::string quoted;
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted;
}

std::string Fish() {
  std::string text =
      "# fish completion of tocsin: tocsin completion fish | source\n"
      "function __tocsin_before\n"
      "  set -l words (commandline -opc)[2..-1]\n"
      "  test \"$words\" = \"$argv[1]\"; or string match -q -- \"$argv[1] -*\" \"$words\"\n"
      "end\n";
  for (const Place& place : Places()) {
    const std::string when =
        fmt::format("complete -c tocsin -n '__tocsin_before \"{}\"'", place.before);
    for (const std::string& word : place.words) {
      const std::string full = place.before.empty() ? word : place.before + " " + word;
      const auto commands = Commands();
      const auto row = std::ranges::find_if(
          commands, [&](const CommandSpec* command) { return command->name == full; });
      text += fmt::format("{} -f -a '{}'", when, word);
      if (row != commands.end()) text += fmt::format(" -d '{}'", FishText((*row)->summary));
      text += "\n";
    }
    if (place.command == nullptr) continue;
    for (const FlagSpec& flag : place.command->flags) {
      const std::string choices = Choices(flag);
      const std::string value =
          choices.empty() ? (flag.value.empty() ? "" : " -r") : fmt::format(" -x -a '{}'", choices);
      const std::string letter =
          flag.short_name.empty() ? "" : fmt::format(" -s {}", flag.short_name.substr(1));
      text += fmt::format("{} -l '{}'{}{} -d '{}'\n", when, flag.name.substr(2), letter, value,
                          FishText(flag.help));
    }
  }
  return text;
}

struct Shell {
  std::string_view name;
  std::string (*script)();
};
constexpr Shell kShells[] = {{"bash", &Bash}, {"zsh", &Zsh}, {"fish", &Fish}};

int RunCompletion(const Arguments& arguments, CommandContext& context) {
  const std::string& name = arguments.positional().front();
  const auto* const shell = std::ranges::find(kShells, name, &Shell::name);
  if (shell == std::end(kShells)) {
    context.err("tocsin completion: \"" + name + "\" is not one of bash, zsh, fish\n");
    return kExitUsage;
  }
  context.out(shell->script());
  return kExitOk;
}

}  // namespace

const CommandSpec kCompletionCommand = {
    .name = "completion",
    .summary = "Print the completion script of a shell: bash, zsh or fish.",
    .positional = "SHELL",
    .examples =
        "source <(tocsin completion bash)\n"
        "tocsin completion zsh > \"${fpath[1]}/_tocsin\"\n"
        "tocsin completion fish | source",
    .run = &RunCompletion,
};

}  // namespace tocsin::cli
