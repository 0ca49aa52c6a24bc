# CPU by default. For a GPU, name the index of a CUDA build and run the container with --gpus all:
#   docker build --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130 -t gradscape .
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS build
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/gradscape
ENV PATH=/opt/gradscape/bin:$PATH
WORKDIR /source
COPY constraints.txt ./
# torch alone first: the one large layer is made again only when the pinned versions change.
RUN pip install -c constraints.txt --extra-index-url ${TORCH_INDEX} torch
COPY pyproject.toml setup.py MANIFEST.in README.md LICENSE ./
COPY app app
COPY backend backend
COPY gradscape gradscape
COPY frontend frontend
COPY docs docs
RUN pip install -c constraints.txt --extra-index-url ${TORCH_INDEX} .

FROM python:${PYTHON}-slim
RUN useradd --create-home --uid 10001 gradscape && install -d -o gradscape /data
COPY --from=build /opt/gradscape /opt/gradscape
ENV PATH=/opt/gradscape/bin:$PATH \
    GRADSCAPE_HOST=0.0.0.0 \
    GRADSCAPE_PORT=8050 \
    GRADSCAPE_DATA=/data
USER gradscape
WORKDIR /home/gradscape
VOLUME /data
EXPOSE 8050
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen(f'http://127.0.0.1:{os.environ[\"GRADSCAPE_PORT\"]}/api/health', timeout=4)"]
CMD ["gradscape", "serve"]
