# syntax=docker/dockerfile:1
# CPU and GPU: PyTorch's wheel brings CUDA, so `docker run --gpus all` is all that a GPU takes.
#
#     docker build -t mikd .
#     docker run --rm -it --ipc=host --gpus all -v "$PWD:/work" mikd train my_student.py
#
# Built and run once with buildah, on a Debian 12 with Python 3.11 in place of the base image, which could not be
# fetched there: doctor, train, export, translate. 6 GB, without a GPU.
# --ipc=host: the workers of a data loader hand images on in shared memory, 64 MB by default.
FROM python:3.11-slim-bookworm
ENV PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1 OMP_WAIT_POLICY=PASSIVE MIKD_VENV=/opt/mikd
RUN apt-get update && apt-get install -y --no-install-recommends libglib2.0-0 && rm -rf /var/lib/apt/lists/*
COPY . /opt/mmagic_mikd
RUN bash /opt/mmagic_mikd/tools/install.sh \
    && /opt/mikd/bin/python -m pip install -r /opt/mmagic_mikd/requirements/export.txt
ENV PATH=/opt/mikd/bin:$PATH
WORKDIR /work
ENTRYPOINT ["mikd"]
CMD ["--help"]
