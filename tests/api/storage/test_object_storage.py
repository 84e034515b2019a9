"""Secondary storage in an S3 bucket."""

from cloudapi.models.common import Detail, Event


def test_s3_credentials_are_kept_sealed_and_never_shown(empty_cloud):
    store = empty_cloud.admin("addImageStoreS3", accesskey="AKIA-visible", secretkey="s3cr3t-key",
                              endpoint="s3.example.org", bucket="images", usehttps=True)["imagestore"]
    assert (store["url"], store["scope"], store["providername"]) == ("s3://s3.example.org/images", "REGION", "S3")
    kept = {row.name: row.value for row in Detail.select()}
    assert kept["usehttps"] == "true" and kept["bucket"] == "images"
    everything = [*kept.values(), *(event.description for event in Event.select()), str(store),
                  str(empty_cloud.admin("listImageStores"))]
    assert not any("s3cr3t-key" in text or "AKIA-visible" in text for text in everything if text)
    assert empty_cloud.installation.secrets.open(kept["secretkey"]) == "s3cr3t-key"
