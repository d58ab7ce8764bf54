# The Debian package, by CPack: cmake --build BUILD --target package. It goes into the prefix /usr,
# whichever the build was configured for. tests/system/package.sh checks it.

if(SANITIZE OR CMAKE_VERSION VERSION_LESS 3.19)
  return()
endif()

# What only the package has.
set(debian ${CMAKE_CURRENT_LIST_DIR})
install(FILES ${debian}/changelog ${debian}/copyright
  DESTINATION share/doc/mailsimd COMPONENT debian EXCLUDE_FROM_ALL)
install(FILES ${debian}/lintian-overrides RENAME mailsimd
  DESTINATION share/lintian/overrides COMPONENT debian EXCLUDE_FROM_ALL)
install(FILES ${debian}/mailsimd.ini
  DESTINATION /etc/mailsimd COMPONENT debian EXCLUDE_FROM_ALL)
install(FILES ${debian}/logrotate RENAME mailsimd
  DESTINATION /etc/logrotate.d COMPONENT debian EXCLUDE_FROM_ALL)

# What only `cmake --install` has is of the component "local".
set(CPACK_INSTALL_CMAKE_PROJECTS
  ${PROJECT_BINARY_DIR} ${PROJECT_NAME} Unspecified /
  ${PROJECT_BINARY_DIR} ${PROJECT_NAME} debian /)
set(CPACK_PRE_BUILD_SCRIPTS ${debian}/stage.cmake)
set(CPACK_MAILSIMD_STRIP ${CMAKE_STRIP})
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)

set(CPACK_PACKAGE_CONTACT "mailsimd maintainers <maintainers@mailsimd.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "simulator of the queue of a mail server")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
  "Software that sends mail hands a message over and goes on. What happens next,
the wait, the retry, the bounce on day five, happens in the queue of a mail
server, out of reach of any test. mailsimd is that queue, simulated: it accepts
send requests over a socket, dispatches each as a timed delivery of its own and
reports every step. Time can run faster, stand still or jump, and nothing is
ever sent to anybody.
.
The package brings the daemon, which systemd starts with the first client, and
mailsimctl, a client for scripts.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION mail)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS logrotate)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS netcat-openbsd)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${debian}/conffiles ${debian}/postinst
  ${debian}/prerm ${debian}/postrm)

# Libraries, and the least versions that have what we use of them, are found by dpkg-shlibdeps; of
# libevent we want the one with Debian's security fixes, where it is that of Debian 12. The group is
# made by systemd-sysusers.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers")
execute_process(COMMAND dpkg-query --show libevent-core-2.1-7
  RESULT_VARIABLE result OUTPUT_QUIET ERROR_QUIET)
if(result EQUAL 0)
  string(APPEND CPACK_DEBIAN_PACKAGE_DEPENDS
    ", libevent-core-2.1-7 (>= 2.1.12-stable-8+deb12u1)")
endif()

include(CPack)
