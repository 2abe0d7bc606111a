//===- CubinFacts.cpp - what a cubin says about its kernel ----------------===//

#include "runtime/jit/CubinFacts.h"

#include "dsv3/Plan/Occupancy.h"

#include <algorithm>
#include <cstring>
#include <elf.h>
#include <optional>
#include <type_traits>
#include <vector>

using namespace dsv3;
using namespace dsv3::runtime;

namespace {

/// The lowest nine bits name an operation, those above say where operands lie; bit 62 of HGMMA that
/// b is transposed.
constexpr uint64_t codeMask = 0x1ff, transposed = uint64_t(1) << 62;

struct SassCode {
  std::string_view name;
  uint64_t code, mask = codeMask;
};
constexpr std::array<SassCode, sassCount> sassCodes{
    {{"LDL", 0x183},
     {"STL", 0x187},
     {"LDSM", 0x03b},
     {"LDGSTS", 0x1ae},
     {"HMMA", 0x03c},
     {"QMMA", 0x07a},
     {"HGMMA", 0x1f0, codeMask | transposed},
     {"HGMMA.tnspB", 0x1f0 | transposed, codeMask | transposed},
     {"QGMMA", 0x1f3},
     {"UTMALDG", 0x1b4},
     {"UTMASTG", 0x1b5},
     {"USETMAXREG", 0x1c8},
     {"F2FP", 0x03e},
     {"ACQBULK", 0x02e},
     {"LDG", 0x181},
     {"STG", 0x186},
     {"BRA", 0x147}}};
constexpr size_t instructionBytes = 16;

constexpr std::string_view textPrefix = ".text.", sharedPrefix = ".nv.shared.",
                           infoName = ".nv.info";

/// An entry of .nv.info: a format, an attribute, and two bytes, which for `sized` say how many
/// bytes follow. Those that are read begin with the index of a symbol, or are of the kernel alone.
struct InfoHead {
  uint8_t format, attribute;
  uint16_t bytes;
};
constexpr uint8_t sized = 4;
constexpr uint8_t maxThreads = 0x05, frameSize = 0x11, registerCount = 0x2f;

/// The parts of an ELF file; everything is checked before it is read.
class Elf {
public:
  struct Section {
    std::string_view name, bytes;
    Elf64_Shdr head;
  };
  explicit Elf(std::string_view bytes) : bytes(bytes) {}

  /// The sections, or a word about what is wrong.
  std::string_view read();
  std::vector<Section> sections;
  uint32_t capability = 0; ///< 90 for 9.0

  template <typename T>
  static std::optional<T> at(std::string_view bytes, uint64_t offset) {
    static_assert(std::is_trivially_copyable_v<T>);
    if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) {
      return std::nullopt;
    }
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
  }

private:
  std::optional<std::string_view> contents(const Elf64_Shdr &head) const {
    if (head.sh_type == SHT_NOBITS || head.sh_type == SHT_NULL) {
      return "";
    }
    if (head.sh_offset > bytes.size() || bytes.size() - head.sh_offset < head.sh_size) {
      return std::nullopt;
    }
    return bytes.substr(head.sh_offset, head.sh_size);
  }

  std::string_view bytes;
};

} // namespace

std::string_view runtime::name(Sass instruction) { return sassCodes[size_t(instruction)].name; }

std::string_view Elf::read() {
  std::optional<Elf64_Ehdr> head = at<Elf64_Ehdr>(bytes, 0);
  if (!head || std::memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 ||
      head->e_ident[EI_CLASS] != ELFCLASS64 || head->e_machine != EM_CUDA) {
    return "no ELF file for NVIDIA GPUs";
  }
  constexpr unsigned char firstOfCuda13 = 8;
  capability =
      (head->e_ident[EI_ABIVERSION] >= firstOfCuda13 ? head->e_flags >> 8 : head->e_flags) & 0xff;
  for (uint64_t i = 0; i < head->e_shnum; ++i) {
    uint64_t offset = 0;
    bool beyond = __builtin_add_overflow(head->e_shoff, i * sizeof(Elf64_Shdr), &offset);
    std::optional<Elf64_Shdr> section = beyond ? std::nullopt : at<Elf64_Shdr>(bytes, offset);
    std::optional<std::string_view> inside = section ? contents(*section) : std::nullopt;
    if (!inside) {
      return "a section that lies outside of the file";
    }
    sections.push_back({"", *inside, *section});
  }
  if (head->e_shstrndx >= sections.size()) {
    return "no names of sections";
  }
  std::string_view names = sections[head->e_shstrndx].bytes;
  for (Section &section : sections) {
    if (section.head.sh_name < names.size()) {
      std::string_view text = names.substr(section.head.sh_name);
      section.name = text.substr(0, std::min(text.size(), text.find('\0')));
    }
  }
  return "";
}

static bool isOfGlobalMemory(Sass instruction) {
  return instruction == Sass::LDG || instruction == Sass::STG || instruction == Sass::LDGSTS ||
         instruction == Sass::UTMALDG || instruction == Sass::UTMASTG;
}

static std::optional<Sass> sassAt(std::string_view text, uint64_t index) {
  uint64_t word = Elf::at<uint64_t>(text, index * instructionBytes).value_or(0);
  auto found = std::ranges::find_if(
      sassCodes, [word](const SassCode &one) { return (word & one.mask) == one.code; });
  return found == sassCodes.end() ? std::nullopt : std::optional(Sass(found - sassCodes.begin()));
}

/// The instruction that a branch goes to: bits 34 to 81 count words of four bytes from behind it,
/// from sm_90 on 256 of them each, besides those that bits 16 to 23 count.
static int64_t branchTarget(std::string_view text, uint64_t index, uint32_t capability) {
  uint64_t low = Elf::at<uint64_t>(text, index * instructionBytes).value_or(0);
  uint64_t high = Elf::at<uint64_t>(text, index * instructionBytes + sizeof low).value_or(0);
  constexpr int firstBit = 34, bits = 48, unused = 64 - bits;
  uint64_t field = low >> firstBit | high << (64 - firstBit);
  int64_t words = int64_t(field << unused) >> unused;
  if (capability >= 90) {
    words = int64_t(uint64_t(words) << 8 | (low >> 16 & 0xff));
  }
  constexpr int64_t wordsOfInstruction = instructionBytes / 4;
  return int64_t(index) + 1 + words / wordsOfInstruction;
}

/// Of each instruction whether it lies in a loop: between a branch and where it goes back to.
static std::vector<bool> findLoops(std::string_view text, uint32_t capability) {
  uint64_t count = text.size() / instructionBytes;
  // How many loops begin at an instruction, less those that end before it.
  std::vector<int64_t> begins(count + 1);
  for (uint64_t i = 0; i < count; ++i) {
    if (sassAt(text, i) != Sass::BRA) {
      continue;
    }
    int64_t target = branchTarget(text, i, capability);
    if (target >= 0 && uint64_t(target) <= i) {
      ++begins[size_t(target)];
      --begins[i + 1];
    }
  }
  std::vector<bool> inside(count);
  int64_t loops = 0;
  for (uint64_t i = 0; i < count; ++i) {
    loops += begins[i];
    inside[i] = loops > 0;
  }
  return inside;
}

static void countInstructions(std::string_view text, uint32_t capability, CubinFacts &facts) {
  std::vector<bool> inLoop = findLoops(text, capability);
  for (uint64_t i = 0; i < inLoop.size(); ++i) {
    std::optional<Sass> found = sassAt(text, i);
    if (!found) {
      continue;
    }
    Sass instruction = *found;
    ++facts.instructions[size_t(instruction)];
    facts.inLoops[size_t(instruction)] += inLoop[i];
    if (isOfGlobalMemory(instruction) && facts.count(Sass::ACQBULK) == 0) {
      ++facts.beforeWait;
    }
  }
}

/// False where an entry goes beyond the section.
static bool readInfo(std::string_view info, CubinFacts &facts) {
  uint64_t offset = 0;
  while (offset < info.size()) {
    std::optional<InfoHead> head = Elf::at<InfoHead>(info, offset);
    uint64_t bytes = head && head->format == sized ? head->bytes : 0;
    if (!head || info.size() - offset < sizeof(InfoHead) + bytes) {
      return false;
    }
    offset += sizeof(InfoHead);
    std::string_view entry = info.substr(offset, bytes);
    offset += bytes;
    uint32_t first = Elf::at<uint32_t>(entry, 0).value_or(0);
    uint32_t second = Elf::at<uint32_t>(entry, sizeof(uint32_t)).value_or(0);
    if (head->format == sized && head->attribute == registerCount) {
      facts.registers = std::max<int64_t>(facts.registers, second);
    } else if (head->format == sized && head->attribute == frameSize) {
      facts.localBytes = std::max<int64_t>(facts.localBytes, second);
    } else if (head->format == sized && head->attribute == maxThreads) {
      facts.threads = first;
    }
  }
  return true;
}

int64_t CubinFacts::staticSharedBytes(int32_t capability) const {
  constexpr int32_t firstReserving = 90;
  int64_t reserved = capability >= firstReserving ? plan::reservedSharedBytes : 0;
  return std::max<int64_t>(0, sharedBytes - reserved);
}

Expected<CubinFacts> runtime::readCubinFacts(std::string_view cubin, const std::string &where) {
  auto wrong = [&](std::string_view what) {
    return Failure{"expected a cubin with one kernel, found " + std::string(what), where};
  };
  Elf elf(cubin);
  if (std::string_view problem = elf.read(); !problem.empty()) {
    return wrong(problem);
  }
  CubinFacts facts;
  for (const Elf::Section &section : elf.sections) {
    if (section.name.starts_with(textPrefix)) {
      if (!facts.function.empty()) {
        return wrong("several");
      }
      facts.function = section.name.substr(textPrefix.size());
      countInstructions(section.bytes, elf.capability, facts);
    } else if (section.name.starts_with(infoName) && !readInfo(section.bytes, facts)) {
      return wrong("a broken section " + std::string(section.name));
    }
  }
  if (facts.function.empty() || facts.registers == 0) {
    return wrong("none");
  }
  for (const Elf::Section &section : elf.sections) {
    if (section.name == std::string(sharedPrefix) + facts.function) {
      facts.sharedBytes = int64_t(std::min<uint64_t>(section.head.sh_size, INT64_MAX));
    }
  }
  return facts;
}
