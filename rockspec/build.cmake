# What LuaRocks runs: builds the modules for one Lua in build/rock, and with INSTALL=ON puts them where the rock's files go.
#   LUA          the interpreter, which is asked for its version
#   LUA_INCDIR   its headers
#   LUADIR       where Lua files go           LIBDIR   where C modules go
#   PREFIXES     where LuaRocks found the libraries, or was told that they are
cmake_minimum_required(VERSION 3.25)

get_filename_component(SOURCE ${CMAKE_CURRENT_LIST_DIR} DIRECTORY)
set(BUILD ${SOURCE}/build/rock)

execute_process(COMMAND ${LUA} -e "io.write((_VERSION:gsub('^Lua ', '')))"
  OUTPUT_VARIABLE VERSION COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "." "" digits ${VERSION})

if(INSTALL)
  execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --component lua${digits} COMMAND_ERROR_IS_FATAL ANY)
else()
  list(REMOVE_DUPLICATES PREFIXES)
  find_program(NINJA ninja)
  set(generator "")
  if(NINJA)
    set(generator -G Ninja)
  endif()
  # Of a version that was built here before, what does not depend on Lua is kept. Where libraries are is looked up anew: by now it may be
  # elsewhere.
  file(REMOVE ${BUILD}/CMakeCache.txt)
  execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B ${BUILD} ${generator} -DCMAKE_BUILD_TYPE=RelWithDebInfo
    -DGITDEV_HOST=OFF -DGITDEV_TESTS=OFF -DGITDEV_BENCH=OFF -DGITDEV_FUZZ=OFF -DGITDEV_WERROR=OFF
    -DGITDEV_LUA_VERSIONS=${VERSION} -DGITDEV_LUA_INCLUDE_DIR=${LUA_INCDIR}
    -DGITDEV_LUA_DIR=${LUADIR} -DGITDEV_LUA_CDIR=${LIBDIR} "-DCMAKE_PREFIX_PATH=${PREFIXES}"
    COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${CMAKE_COMMAND} --build ${BUILD} --target lua${digits} --parallel COMMAND_ERROR_IS_FATAL ANY)
endif()
