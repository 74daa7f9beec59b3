# The Debian package: all of it in one, made by `./dev package`. What it depends on dpkg-shlibdeps reads from what was linked.
# Besides, what cmake --install puts beside the programs: the manual page and the documents.
install(FILES docs/gitdev.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs FILES_MATCHING PATTERN "*.md" PATTERN "*.svg")
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR} PATTERN CMakeLists.txt EXCLUDE PATTERN __pycache__ EXCLUDE)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME gitdev)
set(CPACK_PACKAGE_VENDOR "gitdev developers")
set(CPACK_PACKAGE_CONTACT "gitdev developers <noreply@git.dev>")
set(CPACK_PACKAGE_HOMEPAGE_URL "https://git.dev")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "SDK of the .git platform for Lua and C, with an interpreter host")
set(CPACK_PACKAGE_DESCRIPTION
"Deployments, repositories, pipelines, domains and the edge of the .git
platform, from scripts, from nginx, from games and from C programs. This
package has the interpreter host, gitdev, with an emulator of the platform
inside; the modules for Lua 5.1 to 5.4, LuaJIT and nginx; and the C library
with its header, for CMake and pkg-config.")
set(CPACK_STRIP_FILES ON)
set(CPACK_MONOLITHIC_INSTALL ON)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/stage.cmake)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
# Where the package's own files are: stage.cmake wants them.
set(CPACK_GITDEV_PACKAGING ${CMAKE_CURRENT_LIST_DIR})
set(CPACK_GITDEV_DOCDIR ${CMAKE_INSTALL_FULL_DOCDIR})
set(CPACK_GITDEV_MANDIR ${CMAKE_INSTALL_FULL_MANDIR})
set(CPACK_GITDEV_LUADIR ${CMAKE_INSTALL_FULL_DATADIR}/lua)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/lib)
configure_file(rockspec/debian/shlibs.in ${PROJECT_BINARY_DIR}/debian/shlibs @ONLY)
# The linker's cache is renewed by a trigger, as Debian wants it. For the scripts of these names, which would call ldconfig, CPack would make
# its own; it passes over files that do not exist.
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/debian/shlibs ${CMAKE_CURRENT_LIST_DIR}/triggers
  ${CMAKE_CURRENT_LIST_DIR}/none/postinst ${CMAKE_CURRENT_LIST_DIR}/none/postrm)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS
  "lua5.4 | lua5.3 | lua5.2 | lua5.1 | luajit2 | luajit, libnginx-mod-http-lua, libcurl4-openssl-dev, libssl-dev, libwslay-dev, zlib1g-dev")
include(CPack)
