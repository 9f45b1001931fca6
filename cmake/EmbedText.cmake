# SPDX-License-Identifier: Apache-2.0
# cmake -DOUT=file.c -DHEADER=a.h "-DTEXTS=name=file;..." -P EmbedText.cmake
# Writes texts as byte arrays: const hl_text_file name = { bytes, size }. A text
# without a file is empty.
set(source "/* Written by cmake/EmbedText.cmake. */\n#include \"${HEADER}\"\n")
foreach(text IN LISTS TEXTS)
  string(REGEX REPLACE "=.*" "" name "${text}")
  string(REGEX REPLACE "^[^=]*=" "" file "${text}")
  set(hex "")
  set(size 0)
  if(NOT file STREQUAL "")
    file(READ ${file} hex HEX)
    file(SIZE ${file} size)
  endif()
  string(REGEX REPLACE "(..)" "0x\\1, " bytes "${hex}")
  string(REGEX REPLACE
    "(0x.., 0x.., 0x.., 0x.., 0x.., 0x.., 0x.., 0x.., 0x.., 0x.., )" "\t\\1\n"
    bytes "${bytes}")
  string(APPEND source
    "\nstatic const unsigned char bytes_${name}[] = {\n${bytes}\n\t0x00\n};\n"
    "const hl_text_file ${name} = { bytes_${name}, ${size} };\n")
endforeach()
file(WRITE ${OUT} "${source}")
