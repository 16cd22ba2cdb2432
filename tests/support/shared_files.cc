#include "tests/support/shared_files.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace tocsin::testing_support {

std::filesystem::path SourceFolder() { return TOCSIN_SOURCE_DIR; }

std::optional<std::filesystem::path> FindShared(const std::string& name) {
  const char* configured = std::getenv("TOCSIN_SHARED");
  const std::filesystem::path folder =
      configured != nullptr ? std::filesystem::path(configured) : SourceFolder() / "../shared";
  const std::filesystem::path path = folder / name;
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::nullopt;
  return path;
}

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace tocsin::testing_support
