#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace tocsin {
namespace {

Error Failed(const std::string& what, const std::string& path) {
  return Unavailable("cannot " + what + " " + path + ": " + std::strerror(errno));
}

}  // namespace

Result<std::unique_ptr<MappedFile>> MappedFile::Create(const std::string& path, size_t size) {
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  const int file = ::open(path.c_str(), O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return Failed("open", path);
  if (::ftruncate(file, static_cast<off_t>(size)) != 0) {
    const Error error = Failed("extend", path);
    ::close(file);
    return error;
  }
  void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  const Error error = Failed("map", path);
  ::close(file);
  if (memory == MAP_FAILED) return error;
  return std::unique_ptr<MappedFile>(new MappedFile({static_cast<char*>(memory), size}));
}

MappedFile::~MappedFile() { ::munmap(bytes_.data(), bytes_.size()); }

}  // namespace tocsin
