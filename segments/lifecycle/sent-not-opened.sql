SELECT c.contact_id, c.updated_at
FROM contact_data c
JOIN event_data e1 ON c.contact_id = e1.contact_id
WHERE e1.event_source = 'mail'
  AND e1.event_type = 'processed'
  AND e1.DATA:payload.unique_args.singlesend_id = 'a77d52c6-2f0e-4b19-b6d8-000000000006'
  AND e1.timestamp > timestampadd(day, -14, CURRENT_TIMESTAMP)
  AND c.contact_id NOT IN (
    SELECT e2.contact_id
    FROM event_data e2
    WHERE e2.event_source = 'mail'
      AND e2.event_type = 'open'
      AND e2.DATA:payload.unique_args.singlesend_id = 'a77d52c6-2f0e-4b19-b6d8-000000000006'
      AND e2.timestamp > timestampadd(day, -14, CURRENT_TIMESTAMP)
  )
