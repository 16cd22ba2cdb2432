// Go's fmt.Sprintf, for the kinds of values that templates have.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/template/value.h"

namespace tocsin::templates {

// Never fails: mistakes show in the text, as in Go: %!d(string=x), %!s(MISSING), %!(EXTRA int=1).
std::string Sprintf(std::string_view format, const std::vector<Value>& args);

// In backquotes where they can hold the text, as Go's %#q; else in quotes.
std::string QuoteForGo(std::string_view text);

}  // namespace tocsin::templates
