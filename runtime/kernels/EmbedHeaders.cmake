# Writes OUTPUT, a source file with the text of HEADERS (paths below ROOT).
set(lines "")
foreach(header IN LISTS HEADERS)
  file(READ ${ROOT}/${header} text)
  string(APPEND lines "    {\"${header}\", R\"device(${text})device\"},\n")
endforeach()
file(WRITE ${OUTPUT} "#include \"runtime/kernels/DeviceHeaders.h\"
using dsv3::runtime::DeviceHeader;
static constexpr DeviceHeader embedded[] = {
${lines}};
namespace dsv3::runtime {
std::span<const DeviceHeader> embeddedHeaders();
}
std::span<const DeviceHeader> dsv3::runtime::embeddedHeaders() { return embedded; }
")
