"""`torchrun` without a report of its own, for tools/dist_train.sh and tools/dist_test.sh."""

from mmagic_mikd.apps.launch.processes import main

if __name__ == '__main__':
    main()
