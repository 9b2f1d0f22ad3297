# `autoenc serve` without TensorFlow and plots, as a user without rights, for a read-only file system. docs/deployment.md says more.
#   docker build -t autoenc . && docker run --read-only --tmpfs /tmp --tmpfs /cache:uid=10001 -p 127.0.0.1:8000:8000 \
#       -v shop-store:/store -v /srv/photos:/srv/photos:ro autoenc --store /store --host 0.0.0.0 --cache /cache
FROM python:3.13-slim AS build
WORKDIR /build
RUN python -m venv --without-pip /opt/autoenc
COPY constraints.txt ./
COPY pyproject.toml README.md LICENSE ./
COPY autoenc ./autoenc
COPY baselines ./baselines
RUN pip --python /opt/autoenc/bin/python install --no-cache-dir --constraint constraints.txt '.[serve]'

FROM python:3.13-slim
# Contact sheets write names in many scripts with it.
RUN apt-get update && apt-get install -y --no-install-recommends fonts-dejavu-core && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/autoenc /opt/autoenc
RUN useradd --system --uid 10001 --no-create-home autoenc
ENV PATH=/opt/autoenc/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=6s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/v1/health', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["autoenc", "serve"]
