"""What happens at a definition's home partition, the one of its id: its clock fires.

deploy_definition ─► set_schedule ─► schedule_set ─► timer ─► schedule_fired ─► start_process
"""
