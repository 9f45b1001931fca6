# SPDX-License-Identifier: Apache-2.0
# cmake -DOUT=file.c "-DFILES=a.sql;b.sql" -P Embed.cmake
# Writes the migrations as byte arrays (a string literal may be as short as
# 4,095 bytes, C17 5.2.4.1) and one table of them: version, name, text. The
# versions are the numbers that the file names begin with: 1, 2, ... in order.
list(SORT FILES)
set(arrays "")
set(rows "")
set(count 0)
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME_WE)
  math(EXPR count "${count} + 1")
  if(NOT name MATCHES "^0*([1-9][0-9]*)_" OR
     NOT CMAKE_MATCH_1 EQUAL count)
    message(FATAL_ERROR "${file}: migration ${count} is expected here")
  endif()
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1, " bytes "${hex}")
  string(REGEX REPLACE
    "(0x.., 0x.., 0x.., 0x.., 0x.., 0x.., 0x.., 0x.., 0x.., 0x.., )" "\t\\1\n"
    bytes "${bytes}")
  string(APPEND arrays
    "static const unsigned char sql_${count}[] = {\n${bytes}\n\t0x00\n};\n\n")
  string(APPEND rows
    "\t{ ${count}, \"${name}\", (const char *)sql_${count} },\n")
endforeach()
if(count EQUAL 0)
  message(FATAL_ERROR "no migrations")
endif()
file(WRITE ${OUT}
  "/* Written by cmake/Embed.cmake from db/sqlite. */\n"
  "#include \"store/sqlite/migrations.h\"\n\n"
  "${arrays}"
  "const hl_migration hl_migrations[] = {\n${rows}};\n"
  "const size_t hl_migrations_n = ${count};\n")
