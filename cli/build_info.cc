#include "cli/build_info.h"

namespace tocsin::cli {

std::string_view BuildVersion() { return TOCSIN_VERSION; }
std::string_view BuildRevision() { return TOCSIN_REVISION; }

}  // namespace tocsin::cli
