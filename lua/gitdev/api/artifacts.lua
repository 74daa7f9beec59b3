return {
  name = "artifacts",
  doc = "Artifacts: files that jobs leave behind, kept for 30 days.",
  objects = {
    {
      name = "artifact",
      prefix = "art",
      doc = "A file that a job left behind.",
      fields = {
        { "id", "id<art>", doc = "The artifact's id." },
        { "object", "str", const = "artifact", doc = "Always `artifact`." },
        { "run_id", "id<run>", doc = "The run that it came from." },
        { "job_id", "id<job>", doc = "The job that left it." },
        { "name", "str", doc = "Its name." },
        { "content_type", "str", doc = "Its media type." },
        { "size_bytes", "int", doc = "Its size." },
        { "sha256", "str", doc = "The SHA-256 of its bytes, in lower-case hexadecimal digits." },
        { "expires_at", "ts", doc = "When it goes, 30 days after it was made." },
        { "created_at", "ts", doc = "When it was made." },
      },
    },
  },
  operations = {
    {
      op = "artifacts.download",
      kind = "download",
      path = "/artifacts/{artifact}/download",
      scope = "pipelines:r",
      tier = 1,
      doc = "Downloads an artifact, or a range of it.",
      errors = { { 410, "artifact_expired" }, { 416, "range_not_satisfiable" } },
    },
  },
}
