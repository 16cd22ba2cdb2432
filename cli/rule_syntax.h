// Which rule files commands that only read them take.
#pragma once

#include "rules/rule_file.h"

namespace tocsin::cli {

// Everything that the parser knows, behind a feature flag or not.
inline RuleDefaults AllSyntax() {
  RuleDefaults defaults;
  defaults.parser.experimental_functions = true;
  defaults.parser.extended_range_selectors = true;
  defaults.parser.binop_fill_modifiers = true;
  return defaults;
}

}  // namespace tocsin::cli
