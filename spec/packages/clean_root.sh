#!/bin/sh
# Run inside of a clean Debian: installs the package there, uses it in every way, and removes it. /parcel has the package and what it is tried with.
# Each check prints its line.
set -u
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin
failures=0
cd /tmp || exit 1

check() {
  name=$1
  shift
  if output=$("$@" 2>&1); then
    echo "check ok: $name"
  else
    echo "check FAILED: $name"
    echo "$output"
    failures=$((failures + 1))
  fi
}

install() {
  apt-get -qq -o Dpkg::Use-Pty=0 -o APT::Sandbox::User=root install -y --no-install-recommends "$@"
}

libraries_are_found() {
  for file in $(dpkg -L gitdev | grep -E '\.so[0-9.]*$|/bin/gitdev$'); do
    ldd "$file" | grep 'not found' && echo "by $file" && return 1
  done
  return 0
}

# Unchanged since they were packed; and root's, whom nobody else may change.
files_are_in_order() {
  dpkg --verify gitdev || return 1
  dpkg -L gitdev | xargs -d '\n' stat -c '%U:%G %A %n' >owners
  test -s owners && ! grep -Ev '^root:root (l|[d-]rw[x-]r-[x-]r-[x-] )' owners
}

host_deploys_offline() {
  test "$(gitdev --emulator /usr/share/doc/gitdev/examples/deploy.lua)" = 'https://my-app.git.dev'
}

host_has_git() {
  gitdev -e 'assert(require("gitdev.git").libgit2_version)'
}

# None of what another package would have to bring must be wanted for this.
pkg_config_knows_it() {
  test "$(pkg-config --modversion gitdev)" = "$(gitdev -e 'print(require("gitdev.core").version)')" &&
    pkg-config --cflags --libs gitdev gitdev-lua5.4 >flags && grep -e '-lgitdev ' flags && grep -e '-lgitdev-lua5.4' flags &&
    ! grep -e -lcurl flags
}

# Built outside, by the words of pkg-config: it starts, and says that there is no key.
c_program_runs() {
  ldd /parcel/deploy | grep '/libgitdev.so.0' && ! /parcel/deploy >deploy.log 2>&1 && grep api_key deploy.log
}

nginx_loads_it() {
  mkdir -p nginx && ln -s /usr/share/nginx/modules nginx/modules && nginx -p "$PWD/nginx/" -c /parcel/nginx.conf -e stderr || return 1
  perl -MIO::Socket::UNIX -e '
    my $nginx = IO::Socket::UNIX->new("/tmp/nginx/socket") or die "nothing listens: $!";
    print $nginx "GET / HTTP/1.0\r\n\r\n";
    print <$nginx>' | tee answer
  kill "$(cat nginx/nginx.pid)"
  grep -q 'it is here, and libcurl is not' answer
}

man_shows_it() {
  MANWIDTH=200 man gitdev >page && grep 'run the script against an emulator' page
}

nothing_is_left() {
  dpkg --purge gitdev && ldconfig -p >libraries && ! grep gitdev libraries || return 1
  ! find / -xdev -name '*gitdev*' ! -path '/proc/*' ! -path '/parcel/*' ! -path '/tmp/*' ! -path '/var/cache/*' ! -path '/var/log/*' | grep .
}

check "it installs, with what it depends on and nothing else" install /parcel/gitdev.deb
check "all libraries are found" libraries_are_found
check "its files are as they were packed, and root's" files_are_in_order
check "the host deploys offline" host_deploys_offline
check "the host finds the module of libgit2" host_has_git
check "the Luas, nginx, man and pkg-config install beside it" \
  install lua5.1 lua5.2 lua5.3 lua5.4 luajit2 nginx-light libnginx-mod-http-lua man-db pkg-config
for version in 5.1 5.2 5.3 5.4; do
  check "Lua $version uses it" "lua$version" /parcel/use.lua /usr/lib/
done
check "LuaJIT uses it" luajit /parcel/use.lua /usr/lib/
check "nginx loads it" nginx_loads_it
check "pkg-config knows it" pkg_config_knows_it
check "a C program runs with it" c_program_runs
check "man shows its page" man_shows_it
check "when it is removed nothing is left" nothing_is_left
exit "$((failures > 0))"
