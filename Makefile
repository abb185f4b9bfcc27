# Two commands do everything on a bare Debian 12: `make demo` and `make test`.
SHELL := /bin/bash
.NOTPARALLEL:
PY := .venv/bin/python

# Integration tests wait more than they work, so more of them run at once than there are processors.
WORKERS ?= 6
# Each of these processes reads all tests: what the first compiles, the others find.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-unit test-integration test-e2e test-matrix test-chaos test-clock test-machines test-deploy test-package test-ansible test-containers test-prometheus test-storage test-abuse test-chosen lint check fmt bench rehearse screenshots messages wheel package lock clean setup setup-dev setup-and-check setup-bench

demo: setup          ## Start the whole platform on this machine
	@$(PY) -m amphi demo $(ARGS)

# One after the other, the quick ones first; the first that fails fails the whole. pytest fails a run that finds no test.
test: setup-and-check $(if $(ARGS),test-chosen,test-integration test-e2e)  ## Run every check and every test, or those that ARGS names

test-unit: setup-dev         ## Those that need no process and no socket
	$(PY) -m pytest -m unit -n $(WORKERS)

test-integration: setup-dev  ## Those with real parts
	$(PY) -m pytest -m integration -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test-e2e: setup-dev          ## Those that measure the whole platform: alone, so that nothing else takes the machine's time
	$(PY) -m pytest -m e2e tests/e2e

test-matrix: setup-dev       ## Every kill in every state, and races of forty: what `make test` has a few of
	$(PY) -m pytest --whole-matrix tests/reliability/test_kill.py tests/reliability/test_race.py

# Ten minutes before the new year in Paris; before the change to summer time it is AT="2027-03-28 00:50". In UTC.
AT ?= 2026-12-31 22:50
test-clock: setup-dev        ## Run `make test` at another time of day, AT, as long as that takes
	@command -v cc >/dev/null || apt-get install -y -qq --no-install-recommends gcc libc6-dev >/dev/null
	$(PY) -m tests.clock "$(AT)" $(MAKE) test

test-chaos: setup-dev        ## Every fault but death, on one live webinar, as root: forty minutes; WORDS="worker,origin" chooses
	@command -v cc >/dev/null && command -v iptables >/dev/null && command -v certutil >/dev/null && [ -e /usr/lib/nginx/modules/ngx_stream_module.so ] || \
	  apt-get install -y -qq --no-install-recommends gcc libc6-dev iptables libnss3-tools libnginx-mod-stream >/dev/null
	$(PY) -m tests.reliability.chaos --write -k "$(WORDS)"

test-machines: setup-dev     ## A hall on several machines, one of which is parted from the network, as root: three minutes
	@command -v iptables >/dev/null || apt-get install -y -qq --no-install-recommends iptables >/dev/null
	$(PY) -m tests.reliability.machines $(ARGS)

# The Debian on which packages, role and guide are tried: bookworm (12) or trixie (13).
DEBIAN ?= bookworm
test-deploy test-package test-ansible: export AMPHI_TEST_DEBIAN := $(DEBIAN)

test-deploy: setup-dev       ## Follow docs/deploy.md on an empty Debian 12, or 13 (DEBIAN=trixie), as root, with the network: a quarter of an hour
	@command -v debootstrap >/dev/null || apt-get install -y -qq debootstrap >/dev/null
	$(PY) -m pytest tests/deploy/whole_guide.py

test-package: setup-dev      ## Build two packages, the wheel, and follow docs/package.md on an empty Debian 12, or 13 (DEBIAN=trixie), as root, with the network: twenty minutes
	@command -v debootstrap >/dev/null || apt-get install -y -qq debootstrap >/dev/null
	$(PY) -m pytest tests/deploy/whole_package.py

test-ansible: setup-dev build/checks/bin/hadolint  ## Lint the role of deploy/ansible, and apply it on an empty Debian 12, or 13 (DEBIAN=trixie), as root, with the network: a quarter of an hour
	cd deploy/ansible && PATH="$(CURDIR)/build/checks/bin:$$PATH" ansible-lint --offline
	@command -v debootstrap >/dev/null || apt-get install -y -qq debootstrap >/dev/null
	$(PY) -m pytest tests/deploy/whole_ansible.py

test-containers: setup-dev build/checks/bin/hadolint  ## Lint deploy/containers, build its images and start each part, as root, with the network: ten minutes
	build/checks/bin/hadolint --config deploy/containers/hadolint.yaml deploy/containers/Dockerfile
	build/checks/bin/check-jsonschema --builtin-schema vendor.compose-spec deploy/containers/compose.yaml
	@command -v debootstrap >/dev/null && command -v buildah >/dev/null && command -v crun >/dev/null || \
	  apt-get install -y -qq --no-install-recommends debootstrap buildah crun >/dev/null
	$(PY) -m pytest tests/deploy/whole_containers.py

test-storage: setup-dev      ## Kill workers and a real S3 server in mid-upload: two minutes
	$(PY) -m pytest tests/bucket/whole_storage.py

# What checks them is none of the product's: a folder of its own.
build/checks/bin/hadolint: requirements/checks.txt
	python3 -m venv build/checks
	build/checks/bin/pip install -q --disable-pip-version-check -r $<
	@touch $@

test-prometheus: setup-dev   ## Have Debian's Prometheus read all parts, and the alert rules fire: half a minute, with the network
	@[ -x build/prometheus/usr/bin/prometheus ] || { mkdir -p build/prometheus && cd build/prometheus && \
	  apt-get download -qq prometheus && dpkg-deb -x prometheus_*.deb . && rm prometheus_*.deb; }
	PATH="$$PWD/build/prometheus/usr/bin:$$PATH" $(PY) -m pytest tests/deploy/whole_prometheus.py

# Each prints its figures; docs/security.md has those of the last time.
test-abuse: setup-dev        ## Millions of hostile messages and requests at each part, as root for the gateway's wall: half an hour
	@command -v nft >/dev/null || apt-get install -y -qq nftables >/dev/null
	$(PY) -m pytest -s tests/abuse/test_*.py tests/abuse/whole_*.py

test-chosen: setup-dev
	$(PY) -m pytest $(ARGS)

lint: setup-dev check ## Style, types and layers only

# Types take as long as all else, on one processor: they are checked beside it. Reading all tests compiles them once, not in each of
# the processes that run them; what needs nothing but Python can be run at once, with UNITS=1.
check:
	@types=$$(mktemp); $(PY) -m mypy >"$$types" 2>&1 & mypy=$$!; \
	  $(PY) -m ruff check . && $(PY) -m ruff format --check . && .venv/bin/lint-imports --no-cache && \
	  if tests=$$($(PY) -m pytest $(if $(UNITS),-q -m unit,-qq --collect-only)); then echo "$$tests" | tail -n 1; else echo "$$tests"; false; fi; \
	  others=$$?; wait $$mypy; typed=$$?; cat "$$types"; rm "$$types"; exit $$((others || typed))

fmt: setup-dev       ## Format the code
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench: setup-bench   ## Measure, as ratios against a peer in the same run
	$(PY) -m bench $(ARGS)

rehearse: setup      ## A dress rehearsal on the running demo
	@env=$${AMPHI_VAR:-var}/demo.env; [ -f "$$env" ] || { echo "No demo has been started here. Start it first: make demo" >&2; exit 1; }; \
	  set -a; . "$$env"; set +a; exec $(PY) -m amphi rehearse $(ARGS)

screenshots: setup-dev  ## Make docs/images/ anew
	$(PY) docs/screenshots.py $(ARGS)

messages: setup-dev  ## Bring the French catalogue up to date with the source
	@deploy/messages

wheel:               ## Build dist/amphi-*.whl, which carries the front-end libraries
	@deploy/wheel

package:             ## Build dist/amphi_*.deb for the Debian that this is
	@deploy/debian/build

lock:                ## Lock the dependencies anew
	@$(PY) -m pip install -q pip-tools; for name in base dev npm; do CUSTOM_COMPILE_COMMAND='make lock' .venv/bin/pip-compile -q --upgrade --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --allow-unsafe --strip-extras -o requirements/$$name.txt requirements/$$name.in || exit 1; done
	npm install --package-lock-only

setup:
	@deploy/setup run

setup-dev:
	@deploy/setup dev

# What needs Python alone is done while Debian's packages come.
setup-and-check:
	@deploy/setup dev $(MAKE_COMMAND) --no-print-directory check UNITS=$(if $(ARGS),,1)

setup-bench:
	@deploy/setup bench

clean:               ## Remove what was built; the demo's data goes too
	rm -rf .venv node_modules var .mypy_cache .ruff_cache .pytest_cache build
	find src -name '*.mo' -delete
