# shellcheck shell=bash
# The part `packages` of the tests: `dev` reads this file. The rocks are made for every Lua and used; so is the Debian package, in a clean Debian.

readonly ROOM=$BUILD/packages

# try_lua LUA TREE: runs the script of the checks in an empty folder, with the modules of one tree alone.
try_lua() {
  local lua=$1 tree=$2 version here=$PWD
  version=$("$lua" -e 'io.write((_VERSION:gsub("Lua ", "")))')
  mkdir -p "$ROOM/empty"
  (
    cd "$ROOM/empty" || exit
    export LUA_PATH="$here/$tree/share/lua/$version/?.lua;$here/$tree/share/lua/$version/?/init.lua"
    export LUA_CPATH="$here/$tree/lib/lua/$version/?.so"
    unset "LUA_PATH_${version/./_}" "LUA_CPATH_${version/./_}"
    "$lua" "$here/spec/packages/use.lua" "$here/$tree/lib/lua/$version/"
  )
}

# rocks VERSION TREE COMMAND...
rocks() {
  luarocks --lua-version "$1" --tree "$2" "${@:3}"
}

rock_is_gone() {
  local tree=$1
  for version in 5.1 5.2 5.3 5.4; do
    rocks "$version" "$tree" remove gitdev >/dev/null
  done
  ! find "$tree/lib/lua" "$tree/share" -type f 2>/dev/null | grep .
}

# As if a library had been elsewhere when the rock of another Lua was built here.
libraries_have_moved() {
  sed -i 's|^WSLAY_LIBRARY:.*|WSLAY_LIBRARY:FILEPATH=/gone/libwslay.so|' "$BUILD/rock/CMakeCache.txt" && grep -q /gone/ "$BUILD/rock/CMakeCache.txt"
}

try_rocks() {
  local version tree=$ROOM/rocks code=0
  rm -rf "$tree"
  check "luarocks takes the rockspec for sound" luarocks lint rockspec/gitdev-*.rockspec || code=1
  for version in 5.1 5.2 5.3 5.4; do
    [[ $version != 5.4 ]] || check "a library that has moved since" libraries_have_moved || code=1
    check "luarocks make for Lua $version" logged "rock-$version" rocks "$version" "$PWD/$tree" make --deps-mode none || code=1
  done
  for version in lua5.1 lua5.2 lua5.3 lua5.4 luajit; do
    check "$version uses the rock" try_lua "$version" "$tree" || code=1
  done
  check "luarocks remove leaves nothing" rock_is_gone "$PWD/$tree" || code=1
  return "$code"
}

# The sources of Debian proper that this machine's apt has, as lines of a sources.list.
# shellcheck disable=SC2016 # they are apt's own
debian_sources() {
  apt-get indextargets --format 'deb $(REPO_URI) $(CODENAME) $(COMPONENT) #$(ORIGIN) $(CREATED_BY)' |
    sed -n 's/ #Debian Packages$//p' | sort -u
}

# clean_root ROOT: a Debian of the release that runs here. It has no services, and nothing of this machine but where packages come from.
clean_root() {
  local root=$1 mirror suite settings=$1/etc/apt/apt.conf.d/90machine
  [[ -n $(debian_sources) ]] || apt-get -qq update
  suite=$(. /etc/os-release && echo "${VERSION_CODENAME:?}")
  mirror=$(debian_sources | awk -v suite="$suite" '$3 == suite { print $2; exit }')
  [[ -n $mirror ]] || { say "apt has no source of Debian $suite, from which a clean one could be made" && return 1; }
  unshare --mount debootstrap --variant=minbase "$suite" "$root" "$mirror"
  debian_sources >"$root/etc/apt/sources.list"
  # As apt is set here; and who vouches for a mirror by https, of whom such a root knows nothing.
  apt-config dump | grep -Ei '^Acquire::https?::(Proxy|Verify)' >"$settings" || true
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/apt/authorities.crt"
  echo 'Acquire::https::CaInfo "/etc/apt/authorities.crt";' >>"$settings"
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  printf '#!/bin/sh\nexit 101\n' >"$root$POLICY" && chmod +x "$root$POLICY"
  unshare --mount chroot "$root" apt-get -qq update
}

# A program outside of the root, built as pkg-config says, against what the package holds.
build_with_package() {
  local here=$ROOM/unpacked flags
  rm -rf "$here" && dpkg-deb -x "$1" "$here"
  read -ra flags < <(PKG_CONFIG_PATH=$(echo "$here"/usr/lib/*/pkgconfig) pkg-config --cflags --libs gitdev)
  gcc examples/c/deploy.c "${flags[@]}" -o "$ROOM/deploy"
}

# What Debian's policy asks of a package, as far as its file shows it.
package_is_sane() {
  local deb=$1 listed
  listed=$(dpkg-deb -c "$deb")
  dpkg-deb -f "$deb" Depends | grep 'libc6 (>=.*libcurl4 .*libgit2.*libssl3.*libwslay1.*zlib1g' &&
    grep -q ' ./usr/share/doc/gitdev/copyright$' <<<"$listed" &&
    grep -q ' ./usr/share/doc/gitdev/changelog.gz$' <<<"$listed" &&
    grep -q ' ./usr/share/man/man1/gitdev.1.gz$' <<<"$listed" &&
    ! grep -v ' root/root ' <<<"$listed" && ! grep -E ' \./(usr/local|opt|home|root|build|work)' <<<"$listed"
}

# Whoever packs the same sources again gets the same bytes.
package_is_reproducible() {
  local first=$ROOM/first.deb
  cp "$1" "$first" && sleep 1.1 && make_package && cmp "$first" "$1"
}

# What Debian's own checker of packages has to say.
lintian_is_silent() {
  local said code=0
  said=$(lintian --allow-root --no-cfg "$1" 2>&1) || code=$?
  echo "$said"
  [[ -z $said && $code == 0 ]]
}

# in_root ROOT SCRIPT: /proc is there for its time; nothing stays mounted.
# shellcheck disable=SC2016 # they are sh's arguments
in_root() {
  unshare --mount --pid --fork sh -c 'mount -t proc proc "$1/proc" && exec chroot "$1" sh "$2"' sh "$@"
}

try_package() {
  local root=$ROOM/root deb=$1 code=0
  check "the package is as Debian wants it" package_is_sane "$deb" || code=1
  check "packed again it is the same, byte for byte" package_is_reproducible "$deb" || code=1
  check "lintian finds nothing" lintian_is_silent "$deb" || code=1
  check "a C program builds with it" logged package-c build_with_package "$deb" || code=1
  if ! check "a clean Debian" wait "$2"; then
    cat "$LOG/root.log"
    say "it is made by debootstrap, unshare and chroot, which want all of root's rights, and the network"
    return 1
  fi
  mkdir -p "$root/parcel"
  cp "$deb" "$root/parcel/gitdev.deb"
  cp spec/packages/{clean_root.sh,use.lua,nginx.conf} "$ROOM/deploy" "$root/parcel/"
  in_root "$root" /parcel/clean_root.sh || code=1
  rm -rf --one-file-system "$root"
  return "$code"
}

# The clean root comes over the network while the rest is built.
packages() {
  local code=0 bootstrapping
  ((EUID == 0)) || { say "the part \"packages\" installs into a root of its own, by debootstrap and chroot: run it as root" && return 1; }
  mkdir -p "$ROOM" "$LOG"
  rm -rf --one-file-system "$ROOM/root"
  clean_root "$PWD/$ROOM/root" >"$LOG/root.log" 2>&1 &
  bootstrapping=$!
  try_rocks || code=1
  check "the Debian package" make_package || code=1
  try_package "$(echo "$BUILD"/package/gitdev_*.deb)" "$bootstrapping" || code=1
  return "$code"
}
