# SPDX-License-Identifier: Apache-2.0
# Hardening flags, each used only where the compiler takes it.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)

function(hsmlic_try_flag flag)
  string(MAKE_C_IDENTIFIER "HSMLIC_HAS${flag}" var)
  set(CMAKE_REQUIRED_FLAGS -Werror)
  check_c_compiler_flag(${flag} ${var})
  if(${var})
    add_compile_options(${flag})
  endif()
endfunction()

if(CMAKE_BUILD_TYPE STREQUAL "Release" OR
   CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  foreach(flag -fstack-protector-strong -fstack-clash-protection
      -fcf-protection=full -ftrivial-auto-var-init=zero
      -fzero-call-used-regs=used-gpr -fstrict-flex-arrays=3)
    hsmlic_try_flag(${flag})
  endforeach()
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  foreach(flag -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
    string(MAKE_C_IDENTIFIER "HSMLIC_LINK${flag}" var)
    check_linker_flag(C ${flag} ${var})
    if(${var})
      add_link_options(${flag})
    endif()
  endforeach()
  include(CheckPIESupported)
  check_pie_supported()
endif()
