"""A student config from a teacher config and a size; `--help` tells how."""

from mmagic_mikd.apps.builder.build_student import main

if __name__ == '__main__':
    main()
