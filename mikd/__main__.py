"""`python -m mikd TOOL [arguments]`, as `mikd TOOL`."""

from mikd import main

if __name__ == '__main__':
    main()
