# What Debian wants of the files that are packed, done to those that were staged.
# CPACK_TEMPORARY_DIRECTORY is the root of the package; CPACK_GITDEV_* are in package.cmake.
cmake_minimum_required(VERSION 3.25)

set(ROOT ${CPACK_TEMPORARY_DIRECTORY})
set(DOCS ${ROOT}${CPACK_GITDEV_DOCDIR})

function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# The same sources give the same package, byte for byte: its files are as old as the changelog's last entry. CPack goes by this variable.
if(NOT DEFINED ENV{SOURCE_DATE_EPOCH})
  file(STRINGS ${CPACK_GITDEV_PACKAGING}/changelog signed REGEX "^ -- ")
  list(GET signed 0 signed)
  string(REGEX REPLACE "^.*>  " "" date ${signed})
  execute_process(COMMAND date -d ${date} +%s OUTPUT_VARIABLE epoch OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set(ENV{SOURCE_DATE_EPOCH} ${epoch})
endif()

# One copy of the Lua files for all versions: they are the same text.
file(GLOB folders ${ROOT}${CPACK_GITDEV_LUADIR}/*/gitdev)
list(SORT folders)
list(POP_FRONT folders first)
foreach(folder IN LISTS folders)
  file(RELATIVE_PATH target ${folder}/.. ${first})
  file(REMOVE_RECURSE ${folder})
  file(CREATE_LINK ${target} ${folder} SYMBOLIC)
endforeach()

# CPack strips what runs, not archives; the compiler's name stays in both.
file(GLOB_RECURSE archives ${ROOT}/*.a)
foreach(archive IN LISTS archives)
  run(strip --strip-debug --remove-section=.comment --enable-deterministic-archives ${archive})
endforeach()

# Of what is linked statically the terms come along.
file(READ ${CPACK_GITDEV_PACKAGING}/copyright terms)
foreach(package liblua5.4-dev lua-cjson-dev libhiredis-dev)
  file(READ /usr/share/doc/${package}/copyright text)
  string(APPEND terms "\n---- ${package} ----\n\n${text}")
endforeach()
file(WRITE ${DOCS}/copyright "${terms}")
file(COPY ${CPACK_GITDEV_PACKAGING}/changelog DESTINATION ${DOCS})
configure_file(${CPACK_GITDEV_PACKAGING}/lintian-overrides ${ROOT}/usr/share/lintian/overrides/gitdev COPYONLY)
run(gzip -9nf ${DOCS}/changelog ${ROOT}${CPACK_GITDEV_MANDIR}/man1/gitdev.1)

# Whatever the umask of who packs it.
run(chmod -R u=rwX,go=rX ${ROOT})
file(GLOB_RECURSE libraries ${ROOT}/*.so ${ROOT}/*.so.*)
foreach(library IN LISTS libraries)
  if(NOT IS_SYMLINK ${library})
    run(strip --remove-section=.comment ${library})
    run(chmod 644 ${library})
  endif()
endforeach()
file(GLOB programs ${ROOT}/usr/bin/*)
run(strip --remove-section=.comment ${programs})
