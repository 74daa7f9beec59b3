# What Debian wants of the files that are packed, done to those that were staged.
# CPACK_TEMPORARY_DIRECTORY is the root of the package; CPACK_GITDEV_* are in package.cmake.
cmake_minimum_required(VERSION 3.25)

set(ROOT ${CPACK_TEMPORARY_DIRECTORY})
set(DOCS ${ROOT}${CPACK_GITDEV_DOCDIR})

function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# One copy of the Lua files for all versions: they are the same text.
file(GLOB folders ${ROOT}${CPACK_GITDEV_LUADIR}/*/gitdev)
list(SORT folders)
list(POP_FRONT folders first)
foreach(folder IN LISTS folders)
  file(RELATIVE_PATH target ${folder}/.. ${first})
  file(REMOVE_RECURSE ${folder})
  file(CREATE_LINK ${target} ${folder} SYMBOLIC)
endforeach()

# CPack strips what runs, not archives.
file(GLOB_RECURSE archives ${ROOT}/*.a)
foreach(archive IN LISTS archives)
  run(strip --strip-debug --enable-deterministic-archives ${archive})
endforeach()

# Of what is linked statically the terms come along.
file(READ ${CPACK_GITDEV_PACKAGING}/copyright terms)
foreach(package liblua5.4-dev lua-cjson-dev libhiredis-dev)
  file(READ /usr/share/doc/${package}/copyright text)
  string(APPEND terms "\n---- ${package} ----\n\n${text}")
endforeach()
file(WRITE ${DOCS}/copyright "${terms}")
file(COPY ${CPACK_GITDEV_PACKAGING}/changelog DESTINATION ${DOCS})
run(gzip -9nf ${DOCS}/changelog ${ROOT}${CPACK_GITDEV_MANDIR}/man1/gitdev.1)

# Whatever the umask of who packs it.
run(chmod -R u=rwX,go=rX ${ROOT})
file(GLOB_RECURSE libraries ${ROOT}/*.so ${ROOT}/*.so.*)
foreach(library IN LISTS libraries)
  if(NOT IS_SYMLINK ${library})
    run(chmod 644 ${library})
  endif()
endforeach()
