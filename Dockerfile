# All commands of T2T-MM, on the CPU:
#     docker build -t t2t-mm .
#     docker run --rm -v "$PWD:/work" t2t-mm train --problems=mini8 --generate_data \
#         --data_dir=data --output_dir=output/mini8
# On NVIDIA GPUs: docker build --build-arg TENSORFLOW='tensorflow[and-cuda]' -t t2t-mm:gpu .
# and docker run --gpus=all ...
FROM python:3.11-slim

ARG TENSORFLOW=tensorflow

# What a run needs is in the wheels: no compiler, no system library.
WORKDIR /opt/t2t-mm
COPY setup.py pyproject.toml README.md LICENSE t2t_mm_trainer.py ./
COPY t2t_mm t2t_mm
COPY problems problems
COPY hparams hparams
RUN pip install --no-cache-dir "${TENSORFLOW}>=2.20,<2.22" '.[demo,tensorboard,tune]'

# Nothing runs as root. --user "$(id -u):$(id -g)" makes files in /work yours.
RUN useradd --create-home t2t && mkdir /work && chown t2t /work
USER t2t
WORKDIR /work
ENV HOME=/home/t2t
ENTRYPOINT ["python", "-m", "t2t_mm"]
CMD ["--help"]
