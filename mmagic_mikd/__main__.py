"""The tools without a clone: `python -m mmagic_mikd TOOL [arguments]`."""

from mmagic_mikd.apps.run import main

if __name__ == '__main__':
    main()
