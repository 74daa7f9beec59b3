-- The webhook of the API's page, signed.
return {
  secret = "whsec_00000000000000000000000000000000",
  time = 1718942301,
  header = "t=1718942301,v1=65ec1026e057c1de364475f10b5c32f2f7be872b0981be344d9e67ae50b603ff",
  body = '{"id":"evt_8x9y7z6w5v4u","type":"deployment.completed","timestamp":1718942301,' ..
    '"data":{"project":"my-app","status":"live","url":"https://my-app.git.dev","duration_ms":2400}}',
}
