// Bodies of multipart/form-data (RFC 7578).
#pragma once

#include <string>
#include <vector>

#include "delivery/journey/journey.h"

namespace tocsin::delivery {

struct FormBody {
  std::string content_type;  // with the boundary
  std::string body;
};

// The content of generated files is text that never holds the boundary.
FormBody EncodeForm(const std::vector<FormPart>& parts);

}  // namespace tocsin::delivery
