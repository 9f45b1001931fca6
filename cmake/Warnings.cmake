# SPDX-License-Identifier: Apache-2.0
# Every warning that both compilers know and that this code keeps silent.
add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion
  -Wshadow -Wcast-qual -Wvla -Wnull-dereference -Wwrite-strings
  -Wmissing-prototypes -Wstrict-prototypes -Wformat=2 -Wundef -Wpointer-arith
  -Wswitch-enum)
if(HSMLIC_WERROR)
  add_compile_options(-Werror)
endif()
add_compile_definitions(_GNU_SOURCE)
if(HSMLIC_SANITIZE)
  add_compile_options(-fsanitize=${HSMLIC_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${HSMLIC_SANITIZE})
endif()
# The same sources give the same bytes, wherever they lie.
add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
