#!/usr/bin/env bash
# Builds the images and the template, then launches a job; each variable must be set.
#   PROJECT=p REGION=europe-west4 BUCKET=b VERSION=1.0 deploy/dataflow/launch.sh 'gs://b/text/**' gs://b/tagged
set -euo pipefail
: "${PROJECT:?}" "${REGION:?}" "${BUCKET:?}" "${VERSION:?}"
input=${1:?usage: launch.sh INPUT OUTPUT}
output=${2:?usage: launch.sh INPUT OUTPUT}
images="$REGION-docker.pkg.dev/$PROJECT/mtag"
docker build -f deploy/Dockerfile -t "$images/mtag:$VERSION" .
docker build -f deploy/dataflow/Dockerfile -t "$images/mtag-launcher:$VERSION" .
docker push "$images/mtag:$VERSION"
docker push "$images/mtag-launcher:$VERSION"
gcloud dataflow flex-template build "gs://$BUCKET/templates/mtag-$VERSION.json" \
  --image "$images/mtag-launcher:$VERSION" --sdk-language PYTHON \
  --metadata-file deploy/dataflow/metadata.json
# n2 machines have the int8 instructions that the model is quantised for.
gcloud dataflow flex-template run "mtag-$(date -u +%Y%m%d-%H%M%S)" \
  --template-file-gcs-location "gs://$BUCKET/templates/mtag-$VERSION.json" \
  --project "$PROJECT" --region "$REGION" --worker-machine-type n2-standard-4 \
  --parameters "input=$input,output=$output" \
  --parameters "sdk_container_image=$images/mtag:$VERSION,experiments=use_runner_v2"
