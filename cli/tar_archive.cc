#include "cli/tar_archive.h"

#include <fmt/core.h>

#include <utility>

namespace tocsin::cli {
namespace {

constexpr size_t kBlock = 512;

// The fields of a header by their places.
constexpr size_t kNameAt = 0;
constexpr size_t kModeAt = 100;
constexpr size_t kUserAt = 108;
constexpr size_t kGroupAt = 116;
constexpr size_t kSizeAt = 124;
constexpr size_t kTimeAt = 136;
constexpr size_t kChecksumAt = 148;
constexpr size_t kTypeAt = 156;
constexpr size_t kMagicAt = 257;

}  // namespace

void TarArchive::Add(std::string_view name, std::string_view content, Timestamp modified) {
  std::string header(kBlock, '\0');
  const auto put = [&](size_t at, std::string_view text) { header.replace(at, text.size(), text); };
  put(kNameAt, name.substr(0, 100));
  put(kModeAt, "0000644");
  put(kUserAt, "0000000");
  put(kGroupAt, "0000000");
  put(kSizeAt, fmt::format("{:011o}", content.size()));
  put(kTimeAt, fmt::format("{:011o}", ToMs(modified) / 1000));
  put(kTypeAt, "0");
  put(kMagicAt, std::string_view("ustar\00000", 8));
  // Counted with its own field as blanks.
  put(kChecksumAt, "        ");
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  put(kChecksumAt, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
  bytes_ += header;
  bytes_ += content;
  bytes_.resize((bytes_.size() + kBlock - 1) / kBlock * kBlock, '\0');
}

std::string TarArchive::Take() {
  bytes_.append(2 * kBlock, '\0');
  return std::exchange(bytes_, "");
}

}  // namespace tocsin::cli
