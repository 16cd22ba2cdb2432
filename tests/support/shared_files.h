// Files that tests read: the project's own, and reference material that lies beside its folder.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace tocsin::testing_support {

// The folder that holds this project's own files.
std::filesystem::path SourceFolder();

// The path of shared/<name>, or nothing when the material is not there: TOCSIN_SHARED, or the
// folder `shared` next to the source folder.
std::optional<std::filesystem::path> FindShared(const std::string& name);

// The content of a file; "" when it cannot be read.
std::string ReadAll(const std::filesystem::path& path);

}  // namespace tocsin::testing_support
