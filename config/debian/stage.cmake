# Run by CPack when all that will be in the package is in place, just before it is packed.
set(usr "${CPACK_TEMPORARY_DIRECTORY}/usr")

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "this failed: ${ARGN}")
  endif()
endfunction()

# As Debian's own packages are stripped.
file(GLOB programs "${usr}/bin/*" "${usr}/sbin/*")
run(${CPACK_MAILSIMD_STRIP} --remove-section=.comment --remove-section=.note ${programs})

# Debian wants them compressed, and without a time in them.
file(GLOB_RECURSE pages "${usr}/share/man/*.[1-9]")
run(gzip -9n ${pages} "${usr}/share/doc/mailsimd/changelog")

# Whatever the umask is of who makes it.
file(CHMOD_RECURSE "${CPACK_TEMPORARY_DIRECTORY}/etc" "${usr}" DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
