// What test/Tools/out-of-memory.test parses: a value's number for which the parser makes room.
func.func @large_number() {
  return %0#2147483648 : i32
}
