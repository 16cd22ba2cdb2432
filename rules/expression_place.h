// Where in a YAML file a part of an expression stands.
#pragma once

#include <string_view>

namespace tocsin {

// 1-based, in bytes.
struct TextPlace {
  int line = 1;
  int column = 1;
};

// `before`: the beginning of a scalar, as YAML gives it; `node`: the place of that scalar in
// `yaml`, a block scalar's at its indicator. Returns the place of what follows `before`.
//
// Quoting, folding and indentation only add characters or change white space, so walking through
// both texts side by side finds the place in every style of scalar.
TextPlace PlaceInYaml(std::string_view yaml, TextPlace node, std::string_view before);

}  // namespace tocsin
