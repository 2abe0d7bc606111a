# Writes OUTPUT, a source file with the text of INPUT as `const char *const NAME`.
file(READ ${INPUT} text)
file(WRITE ${OUTPUT} "extern const char *const ${NAME};
const char *const ${NAME} = R\"device(${text})device\";
")
