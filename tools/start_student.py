"""A student as it is when its training starts, as a plain checkpoint; `--help` tells how."""

from mmagic_mikd.apps.builder.start_student import main

if __name__ == '__main__':
    main()
